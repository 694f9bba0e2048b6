"""Rate limits, shared by all processes: counts in fixed time windows, and the budgets of calls, which are per
Ashby API key and per Justifacts connection.

Ashby allows 1,000 requests a minute per key, and can limit all of a partner's customers
together (429 with ``X-RateLimit-Scope: integration-partner``). [Ashby, "Rate limits"]
Justifacts publishes no limit; ours is ``JUSTIFACTS_CALLS_PER_MINUTE``.
The counts live in the cache, which fails open: in an outage calls are sent, and the provider's own 429
remains as the limit.
"""

import hashlib
import time

from django.conf import settings
from django.core.cache import cache

from integrations.http.errors import BudgetSpent
from integrations.metrics import rate_limited_total

ASHBY_CALLS_PER_MINUTE = 950
#: Calls are counted in windows of so many seconds, and any minute touches 13 of them at the most.
WINDOW_SECONDS = 5
_WINDOWS_BEFORE = 60 // WINDOW_SECONDS
#: Of a minute's budget, this part is spread evenly, so that nothing waits longer than a window; the
#: rest is for bursts, of which each window may use half of what the 12 before it have left.
_EVEN_PART = 0.75
#: A wrong header must not stop every organization for good.
LONGEST_COOLDOWN_SECONDS = 24 * 60 * 60
_EVERYBODY = "ashby-rest-until"


class WindowCounter:
    """How often ``key`` occurred in the current window and in the ``windows - 1`` before it.

    ``purpose`` keeps counters of different kinds apart. ``key`` is stored as a hash, so it may be a secret.
    An object stands for the moment it was made: make one for each decision. The cache fails open, so in
    an outage, and after an eviction, nothing counts as having occurred.
    """

    def __init__(self, purpose: str, key: str, *, seconds: int, windows: int) -> None:
        now = time.time()
        self._name = f"{purpose}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        self._seconds = seconds
        self._windows = windows
        self._current = int(now // seconds)
        self.seconds_left = seconds - now % seconds

    def add(self, number: int = 1) -> int:
        """Add to the current window, or take back what was added; return its count. An event that could not
        be counted returns 0."""
        name = self._key(self._current)
        try:
            return cache.incr(name, number)
        except ValueError:  # The first of this window, or the cache has evicted it or is away.
            cache.add(name, 0, timeout=self._seconds * (self._windows + 1))
        try:
            return cache.incr(name, number)
        except ValueError:
            return 0

    def previous(self) -> list[int]:
        """The counts of the windows before the current one; windows without any are left out."""
        return self._counts(self._current - 1, self._windows - 1)

    def total(self) -> int:
        return sum(self._counts(self._current, self._windows))

    def _counts(self, newest: int, number: int) -> list[int]:
        return list(cache.get_many([self._key(newest - n) for n in range(number)]).values())

    def _key(self, window: int) -> str:
        return f"{self._name}:{window}"


def take_ashby_call(key: str) -> None:
    """Counts one call with ``key``; raises ``BudgetSpent`` where the call would exceed the budget."""
    blocked_until = cache.get(_EVERYBODY)
    if blocked_until and blocked_until > time.time():
        rate_limited_total.labels("ashby").inc()
        raise BudgetSpent(
            "Ashby has asked this portal as a whole to slow down.", retry_after=blocked_until - time.time()
        )
    _take("ashby", key, ASHBY_CALLS_PER_MINUTE, 1)


def take_justifacts_calls(base_url: str, key: str, number: int = 1) -> int:
    """Counts calls of a connection, and says how many of them may be made. Raises ``BudgetSpent`` where
    there is none left."""
    return _take("justifacts", f"{base_url} {key}", settings.JUSTIFACTS_CALLS_PER_MINUTE, number)


def _take(side: str, whose: str, a_minute: int, number: int) -> int:
    calls = WindowCounter(f"{side}-calls", whose, seconds=WINDOW_SECONDS, windows=_WINDOWS_BEFORE + 1)
    most = _most(a_minute, calls.previous())
    over = min(number, max(0, calls.add(number) - most))
    if over:
        calls.add(-over)
    if over == number:
        rate_limited_total.labels(side).inc()
        raise BudgetSpent(
            f"The budget of calls to {side.title()} is used up for the moment.",
            retry_after=calls.seconds_left,
        )
    return number - over


def _most(a_minute: int, before: list[int]) -> int:
    """How many calls a window may hold after those before it."""
    even = int(a_minute * _EVEN_PART) // (_WINDOWS_BEFORE + 1)
    for_bursts = a_minute - even * (_WINDOWS_BEFORE + 1)
    left = for_bursts - sum(max(0, calls - even) for calls in before)
    return even + max(0, left) // 2


def rest_everybody(seconds: float) -> None:
    """No call to Ashby, of any organization, for ``seconds``, or a day at the most."""
    seconds = min(seconds, LONGEST_COOLDOWN_SECONDS)
    cache.set(_EVERYBODY, time.time() + seconds, timeout=int(seconds) + 1)
