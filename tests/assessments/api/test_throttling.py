"""Rate limits of inbound calls: keys cannot be guessed, and one organization's calls do not affect
another."""

from contextlib import suppress

import pytest

from assessments.api.throttling import BLOCK_AFTER_FAILURES, KeyGuessThrottle, TooManyCalls, calls
from assessments.models import InboundRequest
from tests.fixtures.world import World

LIST = "/ashby/assessment.list"


@pytest.fixture(autouse=True)
def _nobody_has_called_yet(settings) -> None:
    settings.INBOUND_AUTH_FAILURES_PER_MINUTE = 5
    KeyGuessThrottle._worked.clear()
    calls.__init__()


def statuses(world: World, times: int, **options) -> list[int]:
    return [world.call(LIST, {}, **options).status_code for _ in range(times)]


def send_wrong_keys_until_blocked(address: str) -> None:
    for _ in range(BLOCK_AFTER_FAILURES):
        with suppress(TooManyCalls):
            KeyGuessThrottle(address, []).record_failure()


def test_repeated_wrong_keys_are_answered_429_with_retry_after(world: World) -> None:
    assert statuses(world, 5, key="wrong") == [403] * 5
    answer = world.call(LIST, {}, key="wrong-too")
    assert (answer.status_code, world.error(answer)) == (429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert not InboundRequest.objects.exists(), "callers without a key cause no rows"


def test_a_right_key_from_the_same_address_still_works(world: World) -> None:
    """Ashby calls for all customers from a few addresses, and one customer has pasted a wrong key."""
    assert statuses(world, 50, key="wrong")[-1] == 429
    assert statuses(world, 2) == [200, 200]


def test_other_addresses_are_not_blocked(world: World) -> None:
    statuses(world, 20, key="wrong", REMOTE_ADDR="203.0.113.7")
    assert statuses(world, 1, key="wrong", REMOTE_ADDR="203.0.113.8") == [403]


def test_ipv6_addresses_of_one_network_count_as_one(world: World) -> None:
    for n in range(5):
        statuses(world, 1, key="wrong", REMOTE_ADDR=f"2001:db8:1:2::{n}")
    assert statuses(world, 1, key="wrong", REMOTE_ADDR="2001:db8:1:2:ffff::1") == [429]
    assert statuses(world, 1, key="wrong", REMOTE_ADDR="2001:db8:1:3::1") == [403]


def test_a_blocked_address_is_refused_even_with_a_right_key(world: World, django_assert_num_queries) -> None:
    assert statuses(world, 1, REMOTE_ADDR="203.0.113.7") == [200]
    for address in ("203.0.113.7", "203.0.113.8"):
        send_wrong_keys_until_blocked(address)
    with django_assert_num_queries(0):
        assert statuses(world, 1, REMOTE_ADDR="203.0.113.8") == [429]
    assert statuses(world, 1, REMOTE_ADDR="203.0.113.7") == [200], "it has authenticated from there before"
    KeyGuessThrottle._worked.clear()
    assert statuses(world, 1, REMOTE_ADDR="203.0.113.7") == [200], "shared by all processes"


def test_each_organization_has_its_own_rate_limit(world: World, settings) -> None:
    settings.INBOUND_CALLS_PER_MINUTE = 3
    addresses = [f"203.0.113.{n}" for n in range(4)]
    assert [statuses(world, 1, REMOTE_ADDR=one)[0] for one in addresses] == [200, 200, 200, 429]
    key = world.globex.verification_key
    assert statuses(world, 1, key=key, REMOTE_ADDR="203.0.113.9") == [200]


def test_each_address_has_a_rate_limit(world: World, settings) -> None:
    settings.INBOUND_CALLS_PER_MINUTE = 3
    assert statuses(world, 4, key="") == [401, 401, 401, 429]


class TestBehindAProxy:
    """X-Forwarded-For counts from the right, for as many hops as the operator has proxies."""

    def test_the_header_is_ignored_without_a_proxy(self, world: World) -> None:
        found = [statuses(world, 1, key="wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}")[0] for n in range(7)]
        assert found[-1] == 429

    def test_behind_one_proxy_the_last_entry_is_the_caller(self, world: World, settings) -> None:
        settings.TRUSTED_PROXY_HOPS = 1
        for n in range(6):
            statuses(world, 1, key="wrong", HTTP_X_FORWARDED_FOR=f"10.9.9.{n}, 203.0.113.7")
        expected = "203.0.113.8, 203.0.113.7"
        assert statuses(world, 1, key="wrong", HTTP_X_FORWARDED_FOR=expected) == [429]
        assert statuses(world, 1, key="wrong", HTTP_X_FORWARDED_FOR="203.0.113.8") == [403]

    @pytest.mark.parametrize("forwarded", ["", ",", "a, b", "203.0.113.7"])
    def test_a_header_with_fewer_hops_than_configured_is_ignored(
        self, world: World, settings, forwarded: str
    ) -> None:
        settings.TRUSTED_PROXY_HOPS = 3
        assert statuses(world, 7, key="wrong", HTTP_X_FORWARDED_FOR=forwarded)[-1] == 429, (
            "the nearest hop counts"
        )
        assert statuses(world, 1, HTTP_X_FORWARDED_FOR=forwarded) == [200]
