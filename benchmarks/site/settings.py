"""The portal's settings, with the reference views."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.reference"]
ROOT_URLCONF = "benchmarks.site.urls"
