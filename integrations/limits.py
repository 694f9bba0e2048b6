"""The budget of calls per Ashby API key, shared by all processes.

Ashby allows 1,000 requests a minute per key, and can limit all of a partner's customers
together (429 with ``X-RateLimit-Scope: integration-partner``). [Ashby, "Rate limits"]
The counts live in the cache; when the cache is away the calls go out: Ashby's own 429 is the
second fence.
"""

import hashlib
import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

from .errors import NotSent

logger = logging.getLogger(__name__)

CALLS_PER_MINUTE = 900
#: A wrong header must not stop every organization for good.
LONGEST_REST_SECONDS = 24 * 60 * 60
_EVERYBODY = "ashby-rest-until"


def take_ashby_call(key: str) -> None:
    """Counts one call with ``key``; raises ``NotSent`` where the call would exceed the budget."""
    now = time.time()
    minute = int(now // 60)
    name = f"ashby-calls:{hashlib.sha256(key.encode()).hexdigest()[:16]}:{minute}"
    try:
        rest_until = cache.get(_EVERYBODY)
        cache.add(name, 0, timeout=120)
        calls = cache.incr(name)
    except (RedisError, ValueError) as error:
        # ValueError: the counter was evicted between the two calls.
        logger.warning("call budget unavailable: %s", type(error).__name__)
        return
    if rest_until and rest_until > now:
        raise NotSent("Ashby has asked this portal as a whole to slow down.", retry_after=rest_until - now)
    if calls > CALLS_PER_MINUTE:
        raise NotSent(
            "This key's budget of calls to Ashby for this minute is used up.",
            retry_after=60 - now % 60,
        )


def rest_everybody(seconds: float) -> None:
    """No call to Ashby, of any organization, for ``seconds``, or a day at the most."""
    seconds = min(seconds, LONGEST_REST_SECONDS)
    try:
        cache.set(_EVERYBODY, time.time() + seconds, timeout=int(seconds) + 1)
    except RedisError as error:
        logger.warning("rest of all deliveries not shared: %s", type(error).__name__)
