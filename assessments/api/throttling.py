"""How many calls one key or one client IP may make to the portal, and how many wrong keys it may try.

The limit of calls is large, because Ashby calls for all its customers from a few addresses. Each web process
counts for itself, so that an ordinary call costs no round trip to the cache.

Wrong keys are counted for each client IP, by all processes together. After
``INBOUND_AUTH_FAILURES_PER_MINUTE`` in a minute the address gets 429 instead of 403. A right key still works,
so one organization's misconfiguration locks out no other. After ``BLOCK_AFTER_FAILURES`` in ten minutes only
keys that have worked from this address before are checked at all, so that even a short key cannot be guessed.
"""

import hashlib
import math
import time
from collections import Counter

from django.conf import settings
from django.core.cache import cache
from rest_framework.exceptions import ErrorDetail, Throttled

from integrations.encryption.blind_index import blind_index
from integrations.http.rate_limit import WindowCounter

BLOCK_AFTER_FAILURES = 600
_MINUTES = 10
_KNOWN_FOR_SECONDS = 30 * 24 * 60 * 60
#: What one process remembers, before it starts to count afresh or asks the cache again.
_MAX_ENTRIES = 10_000


class TooManyCalls(Throttled):
    """429. ``wait``: whole seconds until a retry can succeed."""

    default_code = "too_many_requests"

    def __init__(self, wait: int, detail: str) -> None:
        super().__init__(wait)
        self.wait = wait
        # Throttled's own sentence repeats the seconds, which are in Retry-After.
        self.detail = ErrorDetail(detail, code=self.default_code)


class CallsPerMinute:
    """This process's count for each key and address, in whole minutes."""

    def __init__(self) -> None:
        self._minute = 0
        self._calls: Counter[str] = Counter()

    def take(self, caller: str) -> None:
        """Count a call. Raises ``TooManyCalls`` above ``INBOUND_CALLS_PER_MINUTE``."""
        now = time.time()
        if int(now // 60) != self._minute or len(self._calls) > _MAX_ENTRIES:
            self._minute, self._calls = int(now // 60), Counter()
        self._calls[caller] += 1
        if self._calls[caller] > settings.INBOUND_CALLS_PER_MINUTE:
            raise TooManyCalls(60 - int(now % 60), "Too many calls in one minute. Try again shortly.")


calls = CallsPerMinute()


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
        # The known keys first: if the cache fails between the two reads, no caller is blocked.
        if cache.get_many([_cache_key(pair) for pair in self._pairs]):
            return
        if self._failures().total() >= BLOCK_AFTER_FAILURES:
            raise TooManyCalls(60 * _MINUTES, "Too many wrong keys came from this address. Try again later.")

    def record_success(self, key: str) -> None:
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
