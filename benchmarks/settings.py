"""The portal's own settings, with the reference views beside its paths."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.reference"]
ROOT_URLCONF = "benchmarks.urls"
