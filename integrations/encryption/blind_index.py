import base64
import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

from integrations.encryption.secrets import _TextField

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


def blind_index(secret: str) -> str:
    """The keyed hash under which a secret is stored for look-up."""
    return blind_indexes(secret)[0]


def blind_indexes(secret: str) -> list[str]:
    """The hashes under every key, first key first: what a look-up has to compare with."""
    keys = hash_keys("portal blind index")
    return [hmac.digest(key, secret.encode(), "sha256").hex() for key in keys]


def hash_keys(purpose: str) -> list[bytes]:
    """The keys of hashes made for one purpose, first key first: no two purposes share one.

    A key's spelling does not matter: Fernet ignores white space and quotation marks around a key, and so do
    hashes. Earlier versions hashed the spelling itself, so the spellings follow, for what they have stored.
    """
    keys = tuple(settings.FIELD_ENCRYPTION_KEYS)
    return _hash_keys(purpose, keys, tuple(settings.FIELD_ENCRYPTION_KEYS_AS_WRITTEN))


@lru_cache(maxsize=16)
def _hash_keys(purpose: str, keys: tuple[str, ...], as_written: tuple[str, ...]) -> list[bytes]:
    spellings = dict.fromkeys((*map(_without_spelling, keys), *keys, *as_written))
    return [hmac.digest(spelling.encode(), purpose.encode(), hashlib.sha256) for spelling in spellings]


def _without_spelling(key: str) -> str:
    """The one text of a key's 32 bytes, as ``Fernet.generate_key`` writes it."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(key)).decode()
    except ValueError:
        return key  # No key at all; ``checks.py`` says so.
