"""Protection against guessing verification keys, for each client IP, shared by all processes.

After ``INBOUND_AUTH_FAILURES_PER_MINUTE`` wrong keys in a minute the address gets 429 instead of 403. A right
key still works, so one organization's misconfiguration locks out no other. After ``BLOCK_AFTER_FAILURES`` in
ten minutes only keys that have worked from this address before are checked at all, so that even a short key
cannot be guessed.
"""

import hashlib
import math

from django.conf import settings
from django.core.cache import cache

from integrations.encryption.blind_index import blind_index
from integrations.http.rate_limit import WindowCounter

from .throttling import TooManyCalls

BLOCK_AFTER_FAILURES = 600
_MINUTES = 10
_KNOWN_FOR_SECONDS = 30 * 24 * 60 * 60
#: Pairs that one process remembers, before it asks the cache again.
_MAX_ENTRIES = 10_000


class KeyGuessThrottle:
    """The wrong keys that came from one address, and the keys it tries now."""

    #: (address, hash of the key) that have worked, as far as this process has seen.
    _worked: set[tuple[str, str]] = set()

    def __init__(self, address: str, keys: list[str]) -> None:
        self._address = address
        self._pairs = [(address, blind_index(key)) for key in keys]

    def check(self) -> None:
        """Raises ``TooManyCalls`` if the address is blocked and none of its keys has worked from there."""
        if self._worked.intersection(self._pairs):
            return
        # The known keys first: if the cache fails between the two questions, nobody is blocked.
        if cache.get_many([_cache_key(pair) for pair in self._pairs]):
            return
        if self._failures().total() >= BLOCK_AFTER_FAILURES:
            raise TooManyCalls(60 * _MINUTES, "Too many wrong keys came from this address. Try again later.")

    def record_success(self, key: str) -> None:
        """Remember that the key works from this address."""
        pair = (self._address, blind_index(key))
        if pair in self._worked:
            return
        if len(self._worked) > _MAX_ENTRIES:
            self._worked.clear()
        self._worked.add(pair)
        cache.set(_cache_key(pair), 1, timeout=_KNOWN_FOR_SECONDS)

    def record_failure(self) -> None:
        """Count a wrong key. Raises ``TooManyCalls`` if there were too many in this minute."""
        failures = self._failures()
        if failures.add() > settings.INBOUND_AUTH_FAILURES_PER_MINUTE:
            wait = math.ceil(failures.seconds_left)
            raise TooManyCalls(wait, "Too many wrong keys came from this address.")

    def _failures(self) -> WindowCounter:
        return WindowCounter("wrong-keys", self._address, seconds=60, windows=_MINUTES)


def _cache_key(pair: tuple[str, str]) -> str:
    return f"right-key:{hashlib.sha256(repr(pair).encode()).hexdigest()[:32]}"
