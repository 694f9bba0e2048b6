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

from .errors import BudgetSpent

logger = logging.getLogger(__name__)

ASHBY_CALLS_PER_MINUTE = 900
#: Calls are counted in windows of so many seconds. Any minute touches 13 of them at the most, so that
#: a budget divided by 13 is kept in every minute, and who has used it up waits 5 s, not a minute.
WINDOW_SECONDS = 5
_WINDOWS_A_MINUTE_TOUCHES = 60 // WINDOW_SECONDS + 1
ASHBY_CALLS_PER_WINDOW = ASHBY_CALLS_PER_MINUTE // _WINDOWS_A_MINUTE_TOUCHES
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
    _take("ashby", key, ASHBY_CALLS_PER_WINDOW, WINDOW_SECONDS)


def take_justifacts_call(base_url: str, key: str) -> None:
    """Counts one call of a connection; raises ``BudgetSpent`` where it would exceed the budget."""
    _take("justifacts", f"{base_url} {key}", settings.JUSTIFACTS_CALLS_PER_MINUTE, 60)


def _take(side: str, whose: str, most: int, seconds: int) -> None:
    now = time.time()
    digest = hashlib.sha256(whose.encode()).hexdigest()[:16]
    name = f"{side}-calls:{digest}:{int(now // seconds)}"
    try:
        cache.add(name, 0, timeout=2 * seconds)
        calls = cache.incr(name)
    except (RedisError, ValueError) as error:
        # ValueError: the counter was evicted between the two calls.
        logger.warning("call budget unavailable: %s", type(error).__name__)
        return
    if calls > most:
        raise BudgetSpent(
            f"The budget of calls to {side.title()} is used up for the moment.",
            retry_after=seconds - now % seconds,
        )


def rest_everybody(seconds: float) -> None:
    """No call to Ashby, of any organization, for ``seconds``, or a day at the most."""
    seconds = min(seconds, LONGEST_REST_SECONDS)
    try:
        cache.set(_EVERYBODY, time.time() + seconds, timeout=int(seconds) + 1)
    except RedisError as error:
        logger.warning("rest of all deliveries not shared: %s", type(error).__name__)
