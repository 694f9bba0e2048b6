"""Secrets at rest: an encrypted model field, and the keyed hash by which a secret is looked up.

``FIELD_ENCRYPTION_KEYS``: the first key encrypts and makes new hashes, all of them decrypt and
are tried in a look-up, so that keys can be rotated while everything runs.
"""

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.translation import gettext


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS."""


class Secret:
    """A secret that shows itself only to ``reveal()``; in a page, a log or a traceback it is
    dots and its last four characters."""

    __slots__ = ("_ciphertext", "_plaintext")

    def __init__(self, plaintext: str | None = None, *, ciphertext: str | None = None) -> None:
        self._plaintext = plaintext
        self._ciphertext = ciphertext

    def reveal(self) -> str:
        """The secret itself. Raises ``SecretUnreadable``, never returns ciphertext."""
        if self._plaintext is None:
            try:
                self._plaintext = _cipher().decrypt((self._ciphertext or "").encode()).decode()
            except InvalidToken:
                raise SecretUnreadable(
                    "A stored secret cannot be read: the key that encrypted it is not in "
                    "FIELD_ENCRYPTION_KEYS."
                ) from None
        return self._plaintext

    def encrypted(self) -> str:
        if self._ciphertext is None:
            self._ciphertext = _cipher().encrypt((self._plaintext or "").encode()).decode()
        return self._ciphertext

    @property
    def last_four(self) -> str:
        """For people who compare it with what they have; nothing where that would be half of it."""
        text = self.reveal()
        return text[-4:] if len(text) >= 12 else ""

    def __str__(self) -> str:
        try:
            return f"••••{self.last_four}"
        except SecretUnreadable:
            return gettext("•••• (unreadable)")

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self._ciphertext or self._plaintext)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self.reveal().encode(), other.reveal().encode()
        )

    def __hash__(self) -> int:
        return hash(self.reveal())


if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


def can_be_read(secret: Secret) -> bool:
    """Whether one of the keys decrypts it."""
    try:
        secret.reveal()
    except SecretUnreadable:
        return False
    return True


def is_under_first_key(secret: Secret) -> bool:
    """Whether the key that encrypts now has encrypted it."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(secret.encrypted().encode())
    except InvalidToken:
        return False
    return True


def is_token(value: object) -> bool:
    """Whether it is ciphertext, of whatever key: every one begins with its version and a time of our days."""
    return isinstance(value, str) and len(value) >= 100 and value.startswith("gAAAA")


def _cipher() -> MultiFernet:
    return _multi_fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _multi_fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
