"""Keyed hashes of secrets, under which encrypted values are found."""

import base64
import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


def blind_index(secret: str) -> str:
    """Return the hash, as hexadecimal digits, to store beside an encrypted secret."""
    return blind_indexes(secret)[0]


def blind_indexes(secret: str) -> list[str]:
    """Return the hashes under every key, the first key first. A look-up compares with all of them."""
    keys = hash_keys("portal blind index")
    return [hmac.digest(key, secret.encode(), "sha256").hex() for key in keys]


def key_fingerprints() -> list[str]:
    """Return what tells each encryption key from others and reveals none, the first key's first."""
    keys = map(_without_spelling, settings.FIELD_ENCRYPTION_KEYS)
    return [fingerprint("FIELD_ENCRYPTION_KEYS", key) for key in keys]


def fingerprint(name: str, secret: str) -> str:
    """Return the fingerprint of a setting's secret."""
    return hmac.digest(secret.encode(), f"portal fingerprint of {name}".encode(), "sha256").hex()


def hash_keys(purpose: str) -> list[bytes]:
    """Return the hash keys for one purpose, the first encryption key's first. No two purposes share a key.

    Fernet ignores white space and quotation marks around a key, and so do new hashes. Earlier versions
    derived the hash key from the spelling in the environment, so keys derived from the spellings follow.
    """
    keys = tuple(settings.FIELD_ENCRYPTION_KEYS)
    return _hash_keys(purpose, keys, tuple(settings.FIELD_ENCRYPTION_KEYS_AS_WRITTEN))


@lru_cache(maxsize=16)
def _hash_keys(purpose: str, keys: tuple[str, ...], as_written: tuple[str, ...]) -> list[bytes]:
    spellings = dict.fromkeys((*map(_without_spelling, keys), *keys, *as_written))
    return [hmac.digest(spelling.encode(), purpose.encode(), hashlib.sha256) for spelling in spellings]


def _without_spelling(key: str) -> str:
    """The key's 32 bytes as ``Fernet.generate_key`` writes them."""
    try:
        return base64.urlsafe_b64encode(base64.urlsafe_b64decode(key)).decode()
    except ValueError:
        return key  # Not a key; ``checks.py`` reports it.
