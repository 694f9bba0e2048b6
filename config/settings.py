"""Django's settings, in Django's order. Values that an operator may give come from ``config.env``."""

import tomllib
from collections.abc import Callable
from typing import Any

import environ

from . import env
from .logs import logging_config
from .postgresql import TIME_LIMITS

BASE_DIR = env.BASE_DIR
VAR_DIR = env.VAR_DIR
# The project is not installed as a package, so importlib.metadata does not know it.
PORTAL_VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

# --- Core -----------------------------------------------------------------------------------
DEBUG = env.DEBUG
SECRET_KEY = env.SECRET_KEY
SECRET_KEY_FALLBACKS = env.SECRET_KEY_FALLBACKS
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.CSRF_TRUSTED_ORIGINS
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# A redirect would lose Ashby's POST: every path answers where it is.
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

INSTALLED_APPS = [
    "integrations.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "integrations.apps.SocialAccountConfig",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "integrations",
    "assessments",
]

MIDDLEWARE = [
    # Around Django's own: what that answers by itself (to https, to a strange host) has these headers too.
    "integrations.web.every_page.security_headers",
    "integrations.web.every_page.any_host_for_health_checks",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "integrations.accounts.middleware.SessionTimeoutMiddleware",
    "integrations.audit.middleware.AuditLogMiddleware",
    "integrations.accounts.middleware.RequireTwoFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "integrations.web.every_page.portal_version",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": environ.Env.db_url_config(env.DATABASE_URL)}
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["ENGINE"] = "config.sqlite"
    DATABASES["default"]["TEST"] = {"NAME": ":memory:"}
    DATABASES["default"]["OPTIONS"] = {
        # Taking the write lock at BEGIN makes writers wait in turn instead of failing half-way.
        "transaction_mode": "IMMEDIATE",
        # While the connection is opened; after that config.sqlite waits, for as long, but fairly.
        "timeout": 20,
        # FULL: what the portal has confirmed to Ashby survives a power cut, not only a dead process.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5;",
    }
else:
    _given = DATABASES["default"].get("OPTIONS", {})
    # “?pgbouncer=true” in DATABASE_URL: connections are shared between transactions, so nothing may be set or
    # left open outside of one (config/postgresql).
    _is_pooled = str(_given.pop("pgbouncer", "")).lower() in ("1", "true", "on", "yes")
    DATABASES["default"]["ENGINE"] = "config.postgresql"
    DATABASES["default"]["IS_POOLED"] = DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = _is_pooled
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        # A server that is gone without a word is noticed within half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        # During a switchover a server that only reads is refused; of several hosts the primary is chosen.
        "target_session_attrs": "read-write",
        # For the cursors that prepare statements. Django's own do not.
        "prepare_threshold": None if _is_pooled else 0,
        **({} if _is_pooled else {"options": " ".join(f"-c {n}={ms}" for n, ms in TIME_LIMITS.items())}),
        **_given,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache: the shared call budgets; it may be wiped at any time -----------------------------
if env.CACHE_URL.startswith("locmem"):
    CACHES: dict[str, Any] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
else:
    CACHES = {
        "default": {
            "BACKEND": "config.redis.cache.FailOpenRedisCache",
            "LOCATION": env.CACHE_URL,
            # The broker may be in the same Redis.
            "KEY_PREFIX": "portal-cache",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }

# --- People ---------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["integrations.accounts.roles.RolesBackend"]
LOGIN_URL = "account_login"
# A session ends when it was not used for so long, and this long after the sign-in (accounts/sessions.py).
SESSION_IDLE_TIMEOUT_SECONDS = 8 * 60 * 60
SESSION_COOKIE_AGE = 7 * 24 * 60 * 60
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.HTTPS
if env.HTTPS:
    # A browser takes a cookie of such a name from this host alone, and over https alone.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"

# Two-factor authentication and single sign-on (django-allauth). Only the URLs in integrations/admin/sign_in
# are mounted: nobody signs up, and only an operator changes an address.
REQUIRE_TWO_FACTOR = env.REQUIRE_TWO_FACTOR
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "integrations.accounts.allauth_adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
# No “Remember me”: every session lasts as long as SESSION_COOKIE_AGE says.
ACCOUNT_SESSION_REMEMBER = True
# How long after signing in, or after confirming one's identity, factors can be changed.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 10 * 60
# Failures are counted in the cache; while it is down nothing is limited.
ACCOUNT_RATE_LIMITS = {
    # Wrong passwords (accounts/allauth_adapters.py): for one account at one address, so that a colleague at
    # the same office is not locked out; for one address; for one account from everywhere.
    "login_failed": "5/10m/key",
    "login_failed_by_address": "50/10m/key",
    "login_failed_by_account": "60/10m/key",
    # Wrong codes, passkeys and passwords of somebody whose first step was right (admin/sign_in/forms.py).
    "second_factor_failed": "5/10m/key",
    # Links to reset a password: for one e-mail address, and asked for by one address.
    "reset_password": "5/10m/key",  # nosec B105 # a rate, not a password
    "reset_password_by_address": "50/10m/key",  # nosec B105 # a rate, not a password
    # Signing in with the right password is not limited.
    "login": None,
    "reauthenticate": None,
}
ACCOUNT_FORMS = {
    "login": "integrations.admin.sign_in.forms.LoginForm",
    "reauthenticate": "integrations.admin.sign_in.forms.ConfirmByPasswordForm",
}
MFA_ADAPTER = "integrations.accounts.allauth_adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "integrations.admin.sign_in.forms.CodeForm",
    "activate_totp": "integrations.admin.sign_in.forms.AddAppForm",
    "add_webauthn": "integrations.admin.sign_in.forms.AddPasskeyForm",
    "authenticate_webauthn": "integrations.admin.sign_in.forms.PasskeyForm",
    "reauthenticate": "integrations.admin.sign_in.forms.ConfirmByCodeForm",
    "reauthenticate_webauthn": "integrations.admin.sign_in.forms.ConfirmByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Assessment portal"
# Codes of the half minute before and after are accepted too: clocks of phones differ, and people type.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Browsers offer passkeys over https and on localhost.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not env.HTTPS
SOCIALACCOUNT_ADAPTER = "integrations.accounts.allauth_adapters.SingleSignOnAdapter"
# By GET, because the CSP's form-action blocks a POST to another server. The OIDC state, bound to the session,
# prevents login CSRF.
SOCIALACCOUNT_LOGIN_ON_GET = True
OIDC_PROVIDER_ENFORCES_MFA = env.OIDC_PROVIDER_ENFORCES_MFA
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
if env.OIDC_SERVER_URL and env.OIDC_CLIENT_ID and env.OIDC_CLIENT_SECRET:
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"] = [
        {
            "provider_id": "sso",
            "name": env.OIDC_NAME,
            "client_id": env.OIDC_CLIENT_ID,
            "secret": env.OIDC_CLIENT_SECRET,
            "settings": {"server_url": env.OIDC_SERVER_URL, "verified_email": env.OIDC_EMAILS_ARE_VERIFIED},
        }
    ]

# --- Mail: notifications, invitations -------------------------------------------------------------
EMAIL_BACKEND = env.EMAIL["EMAIL_BACKEND"]
EMAIL_HOST = env.EMAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = env.EMAIL["EMAIL_PORT"] or 25
EMAIL_HOST_USER = env.EMAIL["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = env.EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = env.EMAIL.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = env.EMAIL["EMAIL_FILE_PATH"]
# A mail server that hangs must not hang a worker.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.DEFAULT_FROM_EMAIL

# --- Language, time, static files -----------------------------------------------------------
# Every text for people is marked for translation; a language more is a folder in locale/ and a line here.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# --- Security headers -----------------------------------------------------------------------
SECURE_REFERRER_POLICY = "same-origin"
# A proxy's word counts only where the operator has said that there is one.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.HTTPS and env.TRUSTED_PROXY_HOPS else None
)
if env.HTTPS:
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
# Without a trusted proxy nobody can tell that a caller came over https.
SECURE_SSL_REDIRECT = SECURE_PROXY_SSL_HEADER is not None
# A redirect would lose a machine's POST, and the operator's own checks come from inside.
SECURE_REDIRECT_EXEMPT = [r"^/*(ashby|justifacts)(/|$)", r"^health/", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen"),
        *("geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment", "usb"),
        *("screen-wake-lock", "serial", "web-share", "xr-spatial-tracking"),
    )
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- The partner protocol's endpoints (assessments/api) -------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["assessments.api.authentication.VerificationKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["assessments.api.authentication.IsConnectedOrganization"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "assessments.api.exception_handler.envelope",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assessment portal: what Ashby and Justifacts may call",
    "DESCRIPTION": "Ashby's partner protocol for assessments, and Justifacts' push of updates.",
    "VERSION": PORTAL_VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Celery: ids travel, due times are rows in the database ---------------------------------
CELERY_MODULE = "config.celery"
CELERY_BROKER_URL = env.CELERY_BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# No limit: after a full one a pool of threads does not wake the consumer, which then sleeps for a second.
CELERY_WORKER_PREFETCH_MULTIPLIER = 0
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Touched every five seconds while the worker runs, for init systems and Kubernetes probes.
WORKER_HEARTBEAT_FILE = VAR_DIR / "worker.heartbeat"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "config.celery:HeartbeatScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 2
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": expires}}
    for name, task, seconds, expires in (
        ("sweep", "assessments.tasks.sweep", 2.0, 10),
        ("watch", "assessments.tasks.watch", 60.0, 50),
        ("reconcile", "assessments.tasks.reconcile_nightly", 60.0, 50),
        ("search-terms", "assessments.tasks.renew_search_terms", 60.0, 50),
        ("notices", "assessments.tasks.send_notifications", 60.0, 50),
        ("heartbeat URL", "assessments.tasks.call_dead_mans_switch", 60.0, 50),
        ("retention", "assessments.tasks.erase_due", 600.0, 500),
        ("resume polls", "assessments.tasks.resume_polls", 600.0, 500),
        ("retire keys", "integrations.tasks.retire_silent_keys", 600.0, 500),
        ("sessions", "integrations.tasks.delete_ended_sessions", 3600.0, 3500),
    )
}
if env.CELERY_BROKER_URL == "filesystem://":
    (env.BROKER_FOLDER / "messages").mkdir(exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(env.BROKER_FOLDER / "messages"),
        "data_folder_out": str(env.BROKER_FOLDER / "messages"),
        "control_folder": str(env.BROKER_FOLDER / "control"),
    }
    CELERY_WORKER_CONCURRENCY = 1
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 300,
        # A dead worker's task comes back within seconds, not after 100 more.
        "unacked_restore_interval": 15,
        "unacked_restore_throttle": 1,
        # Without these a publish hangs for ever while the broker is away.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    }

# For publishing a message, in seconds: an answer takes less than five, even if the cache hangs as well.
PUBLISH_LIMITS = {"socket_timeout": 1, "socket_connect_timeout": 1}

# --- Logging --------------------------------------------------------------------------------
LOGGING = logging_config(env.LOG_LEVEL, env.LOG_JSON)

# --- The portal -----------------------------------------------------------------------------
DEPRECATED_VARIABLES = env.DEPRECATED_VARIABLES
FIELD_ENCRYPTION_KEYS = env.FIELD_ENCRYPTION_KEYS
GENERATED_SECRETS = env.GENERATED_SECRETS
USES_EMBEDDED_DEFAULTS = env.USES_EMBEDDED_DEFAULTS
FIELD_ENCRYPTION_KEYS_AS_WRITTEN = env.FIELD_ENCRYPTION_KEYS_AS_WRITTEN
PORTAL_BASE_URL = env.PORTAL_BASE_URL
ADMIN_PATH = env.ADMIN_PATH
METRICS_TOKEN = env.METRICS_TOKEN
ASHBY_API_BASE_URL = env.ASHBY_API_BASE_URL
JUSTIFACTS_BASE_URL = env.JUSTIFACTS_BASE_URL
OUTBOUND_ALLOWED_HOSTS = env.OUTBOUND_ALLOWED_HOSTS
HEARTBEAT_URL = env.HEARTBEAT_URL
WORKER_METRICS_ADDRESS = env.WORKER_METRICS_ADDRESS
OUTBOUND_PROXY_URL = env.OUTBOUND_PROXY_URL
CA_BUNDLE = env.CA_BUNDLE
# The deadline for a whole answer. Leases rely on a call that ends within 16 s.
OUTBOUND_ANSWER_SECONDS = 15
# The time to connect, for all IP addresses of a host together. One of them gets between 1 s and 3 s.
OUTBOUND_ALL_ADDRESSES_SECONDS = 6
ASSESSMENT_START_REPLAY_SECONDS = env.ASSESSMENT_START_REPLAY_SECONDS
# Ashby documents no timeout. After so long it may have given up a start and repeated it on another web host.
START_SECONDS = 5.0
POLL_INTERVAL_SECONDS = env.POLL_INTERVAL_SECONDS
INBOUND_CALLS_PER_MINUTE = env.INBOUND_CALLS_PER_MINUTE
INBOUND_AUTH_FAILURES_PER_MINUTE = env.INBOUND_AUTH_FAILURES_PER_MINUTE
TRUSTED_PROXY_HOPS = env.TRUSTED_PROXY_HOPS
JUSTIFACTS_CALLS_PER_MINUTE = env.JUSTIFACTS_CALLS_PER_MINUTE
# How long a worker may take for one call before it counts as dead. At least 20.
LEASE_SECONDS = env.LEASE_SECONDS
RETENTION_DAYS = env.RETENTION_DAYS
RECOVERY_LOG_DIR = env.RECOVERY_LOG_DIR
RECOVERY_LOG_DATABASE_URL = env.RECOVERY_LOG_DATABASE_URL
FAILPOINTS_DIR = env.FAILPOINTS_DIR
# The hour (UTC) from which each day's digest is sent.
DAILY_DIGEST_HOUR_UTC = 7

# --- Sizes and times ------------------------------------------------------------------------
# Rows that one query or transaction handles.
BATCH_SIZES = {
    # Of a list, before it says “more than”.
    "counted": 10_000,
    "csv": 200,
    "csv_keys": 5000,
    "personal_data": 100,
    "reconciliation": 40,
    "recovery_log": 500,
    "retention": 100,
    "search_terms": 25,
    "secrets": 500,
}
RECONCILE_TURN_SECONDS = 5.0
# Nightly reconciliations that run at the same time.
RECONCILE_AT_ONCE = 5
SEARCH_TERMS_TURN_SECONDS = 20.0
# Called with the name of each failpoint that is reached. Only tests set it.
FAILPOINT_HANDLER: Callable[[str], None] | None = None
