"""The settings of the reference: what ``startproject`` gives an API, and the portal's database."""

import os

from config.settings import ASHBY_API_BASE_URL as ASHBY_API_BASE_URL
from config.settings import DATABASES as _PORTAL
from config.settings import JUSTIFACTS_BASE_URL as JUSTIFACTS_BASE_URL
from config.settings import SECRET_KEY as _KEY

SECRET_KEY = _KEY
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "benchmarks.reference.urls"
INSTALLED_APPS = ["rest_framework", "benchmarks.reference", "benchmarks.bare"]
# ``startproject``'s list without sessions, forms and people, which an API has not.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
_DATABASE = _PORTAL["default"]
if _DATABASE["ENGINE"] == "config.postgresql":
    _DATABASE = _DATABASE | {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}
DATABASES = {"default": _DATABASE | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": False}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["benchmarks.reference.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
# The bare chain polls as often as the portal.
BARE_POLL_SECONDS = int(os.environ["POLL_INTERVAL_SECONDS"])
