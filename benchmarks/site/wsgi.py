"""The benchmark's web process: the portal with the reference views."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.site.settings"

from config.wsgi import application

__all__ = ["application"]
