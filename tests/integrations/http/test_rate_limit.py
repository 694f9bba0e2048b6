"""The budget of calls per Ashby key, and the rest of everybody."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import override_settings

from integrations.ashby.client import AshbyClient
from integrations.http.errors import BudgetSpent, NotSent
from integrations.http.rate_limit import (
    ASHBY_CALLS_PER_MINUTE,
    rest_everybody,
    take_ashby_call,
    take_justifacts_calls,
)

NINE = datetime(2026, 3, 2, 9, 0, 20, tzinfo=UTC)
HOUR = 3600


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def dead_cache(tmp_path) -> Iterator[None]:
    backend = "config.redis.cache.FailOpenRedisCache"
    nobody = f"unix://{tmp_path}/nobody.sock"
    with override_settings(CACHES={"default": {"BACKEND": backend, "LOCATION": nobody}}):
        yield


def use_up(key: str) -> None:
    try:
        for _ in range(ASHBY_CALLS_PER_MINUTE):
            take_ashby_call(key)
    except BudgetSpent:
        return
    raise AssertionError("a minute's budget in one moment")


def test_a_key_has_a_budget_that_is_there_again_in_seconds(clock) -> None:
    clock.shift(2)
    use_up("key-1")
    with pytest.raises(BudgetSpent) as caught:
        take_ashby_call("key-1")
    assert caught.value.retry_after == 3
    clock.shift(3)
    take_ashby_call("key-1")


def test_no_minute_holds_more_calls_than_ashby_allows_and_few_less(clock) -> None:
    """However the minute lies over the windows."""
    made: list[int] = []
    for second in range(180):
        for _ in range(500):
            try:
                take_ashby_call("key-1")
            except BudgetSpent:
                break
            made.append(second)
        clock.shift(1)
    minutes = [sum(first <= second < first + 60 for second in made) for first in range(121)]
    assert max(minutes) < 1000
    assert min(minutes) > 750
    windows = [sum(first <= second < first + 5 for second in made) for first in range(0, 180, 5)]
    assert windows[0] > 150, "a burst goes out at once"
    assert min(windows) >= 50, "nothing waits longer than a window"


def test_a_connection_to_justifacts_has_a_budget_too(settings, clock) -> None:
    settings.JUSTIFACTS_CALLS_PER_MINUTE = 130
    take_justifacts_calls("https://jf.test/", "key-1", 26)
    with pytest.raises(BudgetSpent) as caught:
        take_justifacts_calls("https://jf.test/", "key-1")
    assert caught.value.retry_after == 5
    assert take_justifacts_calls("https://jf.test/", "key-3", 100) == 26, "as many as there are"
    take_justifacts_calls("https://jf.test/", "key-2")
    clock.shift(5)
    take_justifacts_calls("https://jf.test/", "key-1", 10)


def test_another_keys_budget_is_its_own() -> None:
    use_up("key-1")
    take_ashby_call("key-2")


def test_all_clients_with_one_key_share_its_budget(wire) -> None:
    use_up("key-1")
    for _ in range(2):
        with pytest.raises(NotSent):
            AshbyClient("https://ashby.test", "key-1").update({})
    assert not wire.calls


def test_the_key_itself_is_not_in_the_cache() -> None:
    take_ashby_call("a-very-secret-key")
    assert not [name for name in cache._cache if "secret" in name]


def test_without_the_cache_calls_go_out(dead_cache, wire) -> None:
    """Ashby's own 429 is the second fencing token."""
    wire.post("https://ashby.test/assessment.update", json={"success": True})
    for _ in range(3):
        AshbyClient("https://ashby.test", "key-1").update({})
    assert len(wire.calls) == 3
    rest_everybody(60)
    take_ashby_call("key-1")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("30", 30, id="seconds"),
        pytest.param("Mon, 02 Mar 2026 09:01:20 GMT", 60, id="date"),
        pytest.param(None, 60, id="absent"),
        pytest.param("soon", 60, id="unreadable"),
        pytest.param("999999999", 24 * HOUR, id="never"),
        pytest.param("inf", 24 * HOUR, id="infinite"),
    ],
)
def test_a_partners_limit_blocks_every_key_until_its_end(clock, wire, header, seconds) -> None:
    headers = {"X-RateLimit-Scope": "integration-partner"} | ({"Retry-After": header} if header else {})
    wire.post("https://ashby.test/assessment.update", json={}, status=429, headers=headers)
    with pytest.raises(NotSent):
        AshbyClient("https://ashby.test", "key-1").update({})
    with pytest.raises(NotSent) as caught:
        take_ashby_call("key-2")
    assert caught.value.retry_after == pytest.approx(seconds)
    clock.shift(timedelta(seconds=seconds - 1))
    with pytest.raises(NotSent):
        take_ashby_call("key-2")
    clock.shift(1)
    take_ashby_call("key-2")
