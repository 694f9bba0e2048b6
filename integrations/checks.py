"""System checks of the settings and the stored secrets, each with a hint. ``config.run`` prints what those
tagged “start” find."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from integrations.encryption.rotation import not_found, unreadable


@register()
def encryption_keys(**_: Any) -> Iterator[CheckMessage]:
    """Every key is a Fernet key."""
    for position, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield Error(
                f"FIELD_ENCRYPTION_KEYS: key number {position} is not a key.",
                hint="Make one with: python -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())'",
                id="integrations.E001",
            )
            return


@register()
def deprecated_variables(**_: Any) -> Iterator[CheckMessage]:
    """Renamed environment variables are still read for one version."""
    for old, new in settings.DEPRECATED_VARIABLES.items():
        yield Warning(
            f"{old} has been renamed to {new}.",
            hint=f"Set {new} instead; the next version does not read {old}. If both are set, {new} counts.",
            id="integrations.W004",
        )


@register()
def addresses(**_: Any) -> Iterator[CheckMessage]:
    """The three base URLs are complete."""
    for name in ("PORTAL_BASE_URL", "ASHBY_API_BASE_URL", "JUSTIFACTS_BASE_URL"):
        scheme, host = _scheme_and_host(getattr(settings, name))
        if scheme not in ("http", "https") or not host:
            hint = "Write it with https:// and the host's name."
            yield Error(f"{name} is not a complete URL.", hint=hint, id="integrations.E002")


@register(deploy=True)
def public_address(**_: Any) -> Iterator[CheckMessage]:
    """Ashby can reach only a public https URL."""
    scheme, host = _scheme_and_host(settings.PORTAL_BASE_URL)
    if scheme != "https" or host in ("localhost", "127.0.0.1"):
        yield Warning(
            "PORTAL_BASE_URL is not a public https address, so Ashby cannot reach this portal.",
            hint="Set PORTAL_BASE_URL to the address that Ashby's “Staging Base URL” shall hold, "
            "without /ashby/ at its end.",
            id="integrations.W001",
        )


@register(deploy=True)
def outbound_proxy(**_: Any) -> Iterator[CheckMessage]:
    """A proxy resolves the host names, so the portal cannot check where they lead."""
    if settings.OUTBOUND_PROXY_URL:
        yield Warning(
            "Outbound calls go through OUTBOUND_PROXY_URL, which resolves the host names: the portal cannot "
            "check that they lead to public addresses.",
            hint="Let the proxy refuse private addresses (docs/security.md).",
            id="integrations.W006",
        )


@register(deploy=True)
def two_factor(**_: Any) -> Iterator[CheckMessage]:
    """A password alone would open every organization's orders."""
    if not settings.REQUIRE_TWO_FACTOR:
        message = "REQUIRE_TWO_FACTOR is off: operators and support sign in with a password alone."
        yield Warning(message, hint="Leave it at its default, on.", id="integrations.W003")


@register("start", deploy=True)
def generated_secrets(**_: Any) -> Iterator[CheckMessage]:
    """Several hosts would each generate their own."""
    if not settings.USES_EMBEDDED_DEFAULTS:
        for name, file in settings.GENERATED_SECRETS.items():
            yield Error(
                f"{name} is not set, so this host has generated its own, in {file}.",
                hint=f"Set {name} to the content of that file, on every host, and keep a copy elsewhere: it "
                "is lost with this host's disk.",
                id="integrations.E008",
            )


@register()
def shared_cache(**_: Any) -> Iterator[CheckMessage]:
    """Rate limits count in the cache: in one that each process has of its own, they would count apart."""
    has_several_processes = settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://"))
    if has_several_processes and "locmem" in settings.CACHES["default"]["BACKEND"]:
        yield Error(
            "CACHE_URL names a cache that each process has of its own, so each rate limit would hold once "
            "for every process.",
            hint="Set CACHE_URL to a Redis. Without it the cache is in the broker's Redis.",
            id="integrations.E009",
        )


@register("start", deploy=True)
def broker(**_: Any) -> Iterator[CheckMessage]:
    """The broker's Redis keeps every task, and Celery can use it."""
    if settings.CELERY_BROKER_URL.startswith(("redis://", "rediss://")):
        # Every command imports the checks, and Celery takes a tenth of a second to import.
        from integrations.background import broker_warnings

        for warning, hint in broker_warnings():
            yield Warning(warning, hint=hint, id="integrations.W005")


@register()
def single_sign_on(**_: Any) -> list[CheckMessage]:
    """The client secret must not be sent to the provider over plain HTTP."""
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    addresses = [_scheme_and_host(app["settings"]["server_url"]) for app in apps]
    return [
        Error(
            "OIDC_SERVER_URL is not an https address.",
            hint="Write it as the provider's documentation has it, such as "
            "https://login.example.com/realms/staff.",
            id="integrations.E005",
        )
        for scheme, host in addresses
        if scheme != "https" and host not in ("localhost", "127.0.0.1")
    ]


#: How many of the first and last rows of each table with candidates' data are checked.
_CHECKED_ROWS = 100


@register(Tags.database)
def stored_secrets(databases: Any = None, **_: Any) -> Iterator[CheckMessage]:
    """Every stored secret can be read and found. ``migrate`` runs this check whenever the portal starts."""
    if not databases:
        return
    try:
        unreadable_secrets, unfindable = unreadable(most=_CHECKED_ROWS), not_found()
    except DatabaseError:
        # The database has no tables yet, or those of another version.
        return
    if unreadable_secrets:
        fields = ", ".join(sorted(unreadable_secrets))
        yield Error(
            f"{unreadable_secrets.total()} stored secrets cannot be read ({fields}): the key that encrypted "
            "them is not in FIELD_ENCRYPTION_KEYS.",
            hint="Put the key back, behind the new one, and run: manage.py rotate_encryption_keys. If it is "
            "lost for good, run: manage.py rotate_encryption_keys --clear-unreadable, and enter them again.",
            id="integrations.E004",
        )
    elif unfindable:
        fields = ", ".join(sorted(unfindable))
        yield Error(
            f"{unfindable.total()} stored keys can be read and cannot be found ({fields}), so callers who "
            "have them would be refused: their hashes were made from another spelling of "
            "FIELD_ENCRYPTION_KEYS.",
            hint="Run: manage.py rotate_encryption_keys, which makes the hashes again; nothing has to be "
            "entered.",
            id="integrations.E007",
        )


def _scheme_and_host(address: str) -> tuple[str, str]:
    """Scheme and host of a URL; both empty if the text is not a URL."""
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
