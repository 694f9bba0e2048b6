"""The budgets of calls, shared by all processes: per Ashby API key and per Justifacts connection.

Ashby allows 1,000 requests a minute per key, and can limit all of a partner's customers
together (429 with ``X-RateLimit-Scope: integration-partner``). [Ashby, "Rate limits"]
Justifacts publishes no limit; ours is ``JUSTIFACTS_CALLS_PER_MINUTE``.
The counts live in the cache; when the cache is away the calls go out: the other side's own 429 is
the second fence.
"""

import hashlib
import logging
import time

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from integrations.http.errors import BudgetSpent

logger = logging.getLogger(__name__)

ASHBY_CALLS_PER_MINUTE = 950
#: Calls are counted in windows of so many seconds, and any minute touches 13 of them at the most.
WINDOW_SECONDS = 5
_WINDOWS_BEFORE = 60 // WINDOW_SECONDS
#: Of a minute's budget, this part is spread evenly, so that nothing waits longer than a window; the
#: rest is for bursts, of which each window may use half of what the 12 before it have left.
_EVEN_PART = 0.75
#: A wrong header must not stop every organization for good.
LONGEST_REST_SECONDS = 24 * 60 * 60
_EVERYBODY = "ashby-rest-until"


def take_ashby_call(key: str) -> None:
    """Counts one call with ``key``; raises ``BudgetSpent`` where the call would exceed the budget."""
    try:
        rest_until = cache.get(_EVERYBODY)
    except RedisError as error:
        logger.warning("call budget unavailable: %s", type(error).__name__)
        return
    if rest_until and rest_until > time.time():
        raise BudgetSpent(
            "Ashby has asked this portal as a whole to slow down.", retry_after=rest_until - time.time()
        )
    _take("ashby", key, ASHBY_CALLS_PER_MINUTE, 1)


def take_justifacts_calls(base_url: str, key: str, number: int = 1) -> int:
    """Counts calls of a connection, and says how many of them may be made. Raises ``BudgetSpent`` where
    there is none left."""
    return _take("justifacts", f"{base_url} {key}", settings.JUSTIFACTS_CALLS_PER_MINUTE, number)


def _take(side: str, whose: str, a_minute: int, number: int) -> int:
    digest = hashlib.sha256(whose.encode()).hexdigest()[:16]
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    name = f"{side}-calls:{digest}:{window}"
    names = [f"{side}-calls:{digest}:{window - n}" for n in range(1, _WINDOWS_BEFORE + 1)]
    try:
        most = _most(a_minute, list(cache.get_many(names).values()))
        cache.add(name, 0, timeout=2 * 60)
        over = min(number, max(0, cache.incr(name, number) - most))
        if over:
            cache.decr(name, over)
    except (RedisError, ValueError) as error:
        # ValueError: the counter was evicted between the two calls.
        logger.warning("call budget unavailable: %s", type(error).__name__)
        return number
    if over == number:
        raise BudgetSpent(
            f"The budget of calls to {side.title()} is used up for the moment.",
            retry_after=WINDOW_SECONDS - now % WINDOW_SECONDS,
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
    seconds = min(seconds, LONGEST_REST_SECONDS)
    try:
        cache.set(_EVERYBODY, time.time() + seconds, timeout=int(seconds) + 1)
    except RedisError as error:
        logger.warning("rest of all deliveries not shared: %s", type(error).__name__)
