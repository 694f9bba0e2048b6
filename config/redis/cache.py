"""A Redis cache that fails open: while Redis does not answer, the cache behaves as an empty one.

The portal keeps only rate limits in its cache, so losing it must never stop an order or lock anybody out.
Callers therefore need no error handling of their own. An outage is logged at most once a minute.
"""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, cast

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

#: After a failure Redis is not asked again for this long, so that a request which uses the cache several
#: times waits for one socket timeout, not for several.
_PAUSE_SECONDS = 1.0
_LOG_INTERVAL_SECONDS = 60.0


class _Outage:
    """What this process knows of one Redis. Django makes a backend for each thread; they share this."""

    def __init__(self) -> None:
        self.paused_until = 0.0
        self.logged_at = -_LOG_INTERVAL_SECONDS

    def begin(self, error: RedisError) -> None:
        now = time.monotonic()
        self.paused_until = now + _PAUSE_SECONDS
        if now - self.logged_at >= _LOG_INTERVAL_SECONDS:
            self.logged_at = now
            # The error's text may quote the URL, and with it the password.
            logger.warning("cache unavailable, rate limits are not enforced: %s", type(error).__name__)


@functools.cache
def _outage_of(servers: tuple[str, ...]) -> _Outage:
    return _Outage()


def _failing_open(method: Callable[..., Any], if_unavailable: Any) -> Callable[..., Any]:
    def attempt(client: "FailOpenRedisCacheClient", *arguments: Any) -> Any:
        return client.attempt(method, if_unavailable, *arguments)

    return attempt


def _delete_matching(client: "FailOpenRedisCacheClient", pattern: str) -> int:
    redis = client.get_client(None, write=True)
    return sum(redis.delete(key) for key in redis.scan_iter(pattern, count=1000))


class FailOpenRedisCacheClient(RedisCacheClient):
    """Each method returns what it would return for an empty cache when Redis cannot be reached."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **options)
        self._outage = _outage_of(tuple(servers))
        self._clients: dict[Any, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """One client for each server. Django's backend makes one for each command."""
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]
        if pool not in self._clients:
            self._clients[pool] = self._client(connection_pool=pool)  # type: ignore[attr-defined]
        return self._clients[pool]

    def attempt(self, method: Callable[..., Any], if_unavailable: Any, *arguments: Any) -> Any:
        if time.monotonic() >= self._outage.paused_until:
            try:
                return method(self, *arguments)
            except RedisError as error:
                self._outage.begin(error)
        return if_unavailable

    # True in an outage: a lock that can never be taken would block where the cache should not matter.
    add = _failing_open(RedisCacheClient.add, True)
    set = _failing_open(RedisCacheClient.set, None)
    touch = _failing_open(RedisCacheClient.touch, False)
    delete = _failing_open(RedisCacheClient.delete, False)
    get_many = _failing_open(RedisCacheClient.get_many, {})
    has_key = _failing_open(RedisCacheClient.has_key, False)
    set_many = _failing_open(RedisCacheClient.set_many, None)
    delete_many = _failing_open(RedisCacheClient.delete_many, None)
    delete_matching = _failing_open(_delete_matching, 0)

    def get(self, key: Any, default: Any) -> Any:
        return self.attempt(RedisCacheClient.get, default, key, default)

    def incr(self, key: Any, delta: int) -> int:
        """Raises ``ValueError`` in an outage, as for every key that is not there."""
        count: int | None = self.attempt(RedisCacheClient.incr, None, key, delta)
        if count is None:
            raise ValueError(f"Key {key!r} not found.")
        return count


class FailOpenRedisCache(RedisCache):
    """``RedisCache`` for ``CACHES``, with the same options."""

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = FailOpenRedisCacheClient

    def clear(self) -> None:
        """Delete the cache's own keys: Django's backend empties the whole database, which may hold the
        broker's messages."""
        cast(FailOpenRedisCacheClient, self._cache).delete_matching(f"{self.key_prefix}:*")
