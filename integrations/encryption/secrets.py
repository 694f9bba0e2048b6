"""``Secret``, a text that is stored encrypted and shown masked.

The first key of ``FIELD_ENCRYPTION_KEYS`` encrypts; all of them decrypt, so that keys can be rotated while
everything runs.
"""

import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS."""


class Secret:
    """A text that only ``reveal()`` returns. In a page, a log or a traceback it appears as dots and its last
    four characters."""

    __slots__ = ("_ciphertext", "_plaintext")

    def __init__(self, plaintext: str | None = None, *, ciphertext: str | None = None) -> None:
        self._plaintext = plaintext
        self._ciphertext = ciphertext

    def reveal(self) -> str:
        """Return the plain text, never ciphertext. Raises ``SecretUnreadable``."""
        if self._plaintext is None:
            try:
                self._plaintext = _cipher().decrypt((self._ciphertext or "").encode()).decode()
            except InvalidToken:
                text = "the key that encrypted it is not in FIELD_ENCRYPTION_KEYS."
                raise SecretUnreadable(f"A stored secret cannot be read: {text}") from None
        return self._plaintext

    def encrypted(self) -> str:
        """Return the ciphertext: as it was read from the database, or else made with the first key."""
        if self._ciphertext is None:
            self._ciphertext = _cipher().encrypt((self._plaintext or "").encode()).decode()
        return self._ciphertext

    @property
    def last_four(self) -> str:
        """The last four characters, by which people recognize a key; empty if it is shorter than 12."""
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
        if not isinstance(other, Secret):
            return False
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.reveal())


def can_be_read(secret: Secret) -> bool:
    """Whether a key in ``FIELD_ENCRYPTION_KEYS`` decrypts the secret."""
    try:
        secret.reveal()
    except SecretUnreadable:
        return False
    return True


def is_under_first_key(secret: Secret) -> bool:
    """Whether the first key decrypts the secret."""
    try:
        Fernet(settings.FIELD_ENCRYPTION_KEYS[0]).decrypt(secret.encrypted().encode())
    except InvalidToken:
        return False
    return True


def is_token(value: object) -> bool:
    """Whether the value is Fernet ciphertext, under any key. Fernet tokens begin with a version byte and a
    timestamp, which is ``gAAAA`` until the year 2106."""
    return isinstance(value, str) and len(value) >= 100 and value.startswith("gAAAA")


def _cipher() -> MultiFernet:
    return _multi_fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _multi_fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
