"""Wrong configuration, said by ``manage.py check`` with a hint for each."""

from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from integrations.encryption.rotation import not_found, unreadable


@register()
def encryption_keys(**_: Any) -> list[CheckMessage]:
    """Each key is a Fernet key; without one no secret could be stored or read."""
    for position, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            return [
                Error(
                    f"FIELD_ENCRYPTION_KEYS: key number {position} is not a key.",
                    hint="Make one with: python -c 'from cryptography.fernet import Fernet; "
                    "print(Fernet.generate_key().decode())'",
                    id="integrations.E001",
                )
            ]
    return []


@register()
def deprecated_variables(**_: Any) -> list[CheckMessage]:
    """Variables under a former name are read for one version."""
    return [
        Warning(
            f"{old} has been renamed to {new}.",
            hint=f"Set {new} instead; the next version does not read {old}. If both are set, {new} counts.",
            id="integrations.W004",
        )
        for old, new in settings.DEPRECATED_VARIABLES.items()
    ]


@register()
def addresses(**_: Any) -> list[CheckMessage]:
    """The three addresses are whole ones."""
    found: list[CheckMessage] = []
    for name in ("PORTAL_BASE_URL", "ASHBY_API_BASE_URL", "JUSTIFACTS_BASE_URL"):
        scheme, host = _scheme_and_host(getattr(settings, name))
        if scheme not in ("http", "https") or not host:
            found.append(
                Error(
                    f"{name} is not a whole address.",
                    hint="Write it with https:// and the host's name.",
                    id="integrations.E002",
                )
            )
    return found


@register(deploy=True)
def public_address(**_: Any) -> list[CheckMessage]:
    """Ashby can reach only a public https address."""
    scheme, host = _scheme_and_host(settings.PORTAL_BASE_URL)
    if scheme != "https" or host in ("localhost", "127.0.0.1"):
        return [
            Warning(
                "PORTAL_BASE_URL is not a public https address, so Ashby cannot reach this portal.",
                hint="Set PORTAL_BASE_URL to the address that Ashby's “Staging Base URL” shall hold, "
                "without /ashby/ at its end.",
                id="integrations.W001",
            )
        ]
    return []


@register(deploy=True)
def two_factor(**_: Any) -> list[CheckMessage]:
    """A password alone opens every organization's orders."""
    if settings.REQUIRE_TWO_FACTOR:
        return []
    return [
        Warning(
            "REQUIRE_TWO_FACTOR is off: operators and support sign in with a password alone.",
            hint="Leave it at its default, on.",
            id="integrations.W003",
        )
    ]


@register()
def single_sign_on(**_: Any) -> list[CheckMessage]:
    """The provider's words, and the secret, travel to its address."""
    found: list[CheckMessage] = []
    for app in settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]:
        scheme, host = _scheme_and_host(app["settings"]["server_url"])
        if scheme != "https" and host not in ("localhost", "127.0.0.1"):
            found.append(
                Error(
                    "OIDC_SERVER_URL is not an https address.",
                    hint="Write it as the provider's documentation has it, such as "
                    "https://login.example.com/realms/staff.",
                    id="integrations.E005",
                )
            )
    return found


#: Of each table with candidates' data, at a start: the first rows and the last.
_LOOKED_AT = 100


@register(Tags.database)
def stored_secrets(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Every stored key can be read, and found by whoever calls with it; asked whenever the portal starts
    (``migrate``)."""
    if not databases:
        return []
    try:
        found, lost = unreadable(most=_LOOKED_AT), not_found()
    except DatabaseError:
        # Not set up yet, or not to this version: then there is nothing of it to read.
        return []
    if lost and not found:
        return [
            Error(
                f"{lost.total()} stored keys can be read and cannot be found ({', '.join(sorted(lost))}), so "
                "callers who have them would be refused: their hashes were made from another spelling of "
                "FIELD_ENCRYPTION_KEYS.",
                hint="Run: manage.py rotate_encryption_keys, which makes the hashes again; nothing has to be "
                "entered.",
                id="integrations.E007",
            )
        ]
    if not found:
        return []
    return [
        Error(
            f"{found.total()} stored secrets cannot be read ({', '.join(sorted(found))}): the key that "
            "encrypted them is not in FIELD_ENCRYPTION_KEYS.",
            hint="Put the key back, behind the new one, and run: manage.py rotate_encryption_keys. If it is "
            "lost for good, run: manage.py rotate_encryption_keys --clear-unreadable, and enter them anew.",
            id="integrations.E004",
        )
    ]


def _scheme_and_host(address: str) -> tuple[str, str]:
    """Both empty where the text is no address at all."""
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""
