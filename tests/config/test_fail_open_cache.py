"""The cache fails open: an outage of Redis looks like an empty cache, and is logged once."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from django.core.cache import cache
from django.test import override_settings
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from integrations.http.rate_limit import WindowCounter
from tests.fixtures.servers.redis_server import NoRedis, quiet_port, start_redis
from tests.fixtures.servers.services import missing


def use_cache(location: str) -> override_settings:
    """The settings with the portal's backend at ``location``."""
    backend = "config.redis.cache.FailOpenRedisCache"
    return override_settings(
        CACHES={"default": {"BACKEND": backend, "LOCATION": location, "KEY_PREFIX": "cache"}}
    )


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[None]:
    with use_cache(f"unix://{tmp_path}/nobody.sock"):
        yield


@pytest.mark.usefixtures("unreachable")
def test_every_method_answers_as_an_empty_cache() -> None:
    cache.set("key", 1)
    cache.set_many({"key": 1})
    assert cache.get("key") is None
    assert cache.get("key", "default") == "default"
    assert cache.get_many(["key", "other"]) == {}
    assert not cache.has_key("key")
    assert cache.add("key", 1), "or allauth would wait for its lock, and refuse every code"
    assert not cache.touch("key")
    assert not cache.delete("key")
    cache.delete_many(["key"])
    cache.clear()
    for change in (cache.incr, cache.decr):
        with pytest.raises(ValueError, match="not found"):
            change("key")


@pytest.mark.usefixtures("unreachable")
def test_an_outage_is_logged_once_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        cache.get("key")
    assert [record.getMessage() for record in caplog.records] == [
        "cache unavailable, rate limits are not enforced: ConnectionError"
    ]


@pytest.mark.usefixtures("unreachable")
def test_nothing_counts_as_having_occurred_in_an_outage() -> None:
    counter = WindowCounter("test", "key", seconds=60, windows=2)
    assert (counter.add(), counter.add(5), counter.total(), counter.previous()) == (0, 0, 0, [])


@pytest.mark.services
def test_the_cache_works_as_soon_as_redis_answers_again(tmp_path: Path) -> None:
    port = quiet_port()
    with use_cache(f"redis://127.0.0.1:{port}/0"), ExitStack() as stack:
        assert cache.get("key") is None
        try:
            server = start_redis(port, tmp_path / "redis.log")
        except NoRedis:
            missing("no redis-server is installed")
        stack.callback(server.wait)
        stack.callback(server.kill)
        wait_until_used(port)
        assert cache.incr("key") == 42
        assert not cache.add("key", 1)
        assert cache.get_many(["key", "other"]) == {"key": 42}
        assert cache.touch("key")
        assert cache.delete("key")
        assert not cache.has_key("key")
        with redis.Redis(port=port) as client:
            client.set("celery", "the broker's messages, in the same Redis")
            cache.set("key", 1)
            cache.clear()
            assert client.keys() == [b"celery"]


def wait_until_used(port: int) -> None:
    """Until the server answers, then until the backend asks it again. Sets ``key`` to 41."""
    retry = Retry(ConstantBackoff(0.05), 200)
    redis.Redis(port=port, retry=retry, retry_on_error=[redis.ConnectionError]).ping()
    deadline = time.monotonic() + 10
    while cache.get("key") != 41:
        assert time.monotonic() < deadline, "the cache is not used again"
        cache.set("key", 41)
