"""How often machines may knock.

Every key and every address has a budget of calls a minute, large enough for Ashby, whose customers
share a few addresses; each web process counts its own. Wrong keys have a much smaller one, which all
processes share (in the cache): after ``INBOUND_FAILURES_PER_MINUTE`` an address is answered 429 instead
of 403, and a right key still passes, so that one organization's noise locks out no other. After
``_HOPELESS`` in ten minutes only keys that have worked from that address before are looked at at all, so
that even a short key cannot be guessed.
"""

import hashlib
import logging
import time
from collections import Counter

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.exceptions import ErrorDetail, Throttled

from integrations.encryption.blind_index import blind_index

logger = logging.getLogger(__name__)

_MINUTES = 10
_HOPELESS = 600
_KNOWN_FOR = 30 * 24 * 60 * 60
_MOST_KEPT = 10_000


class TooManyCalls(Throttled):
    """429. ``wait``: whole seconds until it is worth trying again."""

    default_code = "too_many_requests"

    def __init__(self, wait: int, detail: str) -> None:
        super().__init__(wait)
        self.wait = wait
        # Throttled's own sentence counts the seconds, which the header does.
        self.detail = ErrorDetail(detail, code=self.default_code)


class CallsPerMinute:
    """This process' count, in whole minutes."""

    def __init__(self) -> None:
        self._minute = 0
        self._calls: Counter[str] = Counter()

    def take(self, whose: str) -> None:
        """Counts a call; raises ``TooManyCalls`` where the budget is spent."""
        now = time.time()
        if int(now // 60) != self._minute or len(self._calls) > _MOST_KEPT:
            self._minute, self._calls = int(now // 60), Counter()
        self._calls[whose] += 1
        if self._calls[whose] > settings.INBOUND_CALLS_PER_MINUTE:
            raise TooManyCalls(_until_next_minute(now), "Too many calls in one minute. Try again shortly.")


calls = CallsPerMinute()


class KeyGuessThrottle:
    """The wrong keys that came from one address."""

    #: (address, key) that have worked, as far as this process has seen.
    _worked: set[tuple[str, str]] = set()

    def __init__(self, address: str, keys: list[str]) -> None:
        self._address = address
        self._pairs = [(address, blind_index(key)) for key in keys]

    def check(self) -> None:
        """Raises ``TooManyCalls`` where nobody but those who are known here is listened to any more."""
        if self._worked.intersection(self._pairs):
            return
        try:
            if sum(cache.get_many(_windows(self._address)).values()) < _HOPELESS:
                return
            if cache.get_many([_known(pair) for pair in self._pairs]):
                return
        except RedisError as error:
            logger.warning("wrong keys are not counted: %s", type(error).__name__)
            return
        raise TooManyCalls(60 * _MINUTES, "Too many wrong keys came from this address. Try again later.")

    def was_right(self, key: str) -> None:
        """Remembers the address for this key."""
        pair = (self._address, blind_index(key))
        if pair in self._worked:
            return
        if len(self._worked) > _MOST_KEPT:
            self._worked.clear()
        self._worked.add(pair)
        try:
            cache.set(_known(pair), 1, timeout=_KNOWN_FOR)
        except RedisError as error:
            logger.warning("a right key's address is not remembered: %s", type(error).__name__)

    def were_wrong(self) -> None:
        """Counts a failure; raises ``TooManyCalls`` where there have been too many in this minute."""
        now = time.time()
        name = _windows(self._address)[0]
        try:
            cache.add(name, 0, timeout=60 * (_MINUTES + 1))
            failures = cache.incr(name)
        except (RedisError, ValueError) as error:
            # ValueError: the counter was evicted between the two calls.
            logger.warning("wrong keys are not counted: %s", type(error).__name__)
            return
        if failures > settings.INBOUND_FAILURES_PER_MINUTE:
            raise TooManyCalls(_until_next_minute(now), "Too many wrong keys came from this address.")


def _until_next_minute(now: float) -> int:
    return 60 - int(now % 60)


def _windows(address: str) -> list[str]:
    minute = int(time.time() // 60)
    digest = hashlib.sha256(address.encode()).hexdigest()[:24]
    return [f"wrong-keys:{digest}:{minute - n}" for n in range(_MINUTES)]


def _known(pair: tuple[str, str]) -> str:
    return f"right-key:{hashlib.sha256(repr(pair).encode()).hexdigest()[:32]}"
