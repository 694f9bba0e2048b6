"""Retries of updates with growing backoff while Ashby cannot accept them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine

from assessments.models import AshbyUpdate, CallAttempt, Order
from assessments.placement.next_call import make_next_call
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, HOUR = 60, 3600
PASSING = [
    pytest.param({}, 500, id="500"),
    pytest.param({}, 408, id="408"),
    pytest.param({}, 429, id="429"),
    pytest.param(requests.ReadTimeout(), 200, id="time-out"),
    pytest.param(requests.ConnectTimeout(), 200, id="no connection"),
    pytest.param(requests.ConnectionError("reset"), 200, id="reset"),
    pytest.param(requests.exceptions.SSLError("bad certificate"), 200, id="TLS"),
    pytest.param("", 200, id="empty"),
    pytest.param({"hello": 1}, 200, id="no envelope"),
    pytest.param({"success": "true"}, 200, id="success as text"),
    pytest.param({"success": False, "errors": ["internal_error"]}, 200, id="their own error"),
    pytest.param({}, 302, id="redirect"),
    pytest.param({}, 409, id="409"),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def head(order: Order) -> AshbyUpdate:
    return AshbyUpdate.objects.filter(order=order).order_by("sequence")[0]


def assert_nothing_sent(world: World) -> None:
    """Polls of Justifacts bring no changes."""
    world.justifacts("assessment.status", {}, 503)


@pytest.mark.parametrize(("body", "status"), PASSING)
def test_a_temporary_failure_is_retried_and_then_delivered(world: World, clock, body, status) -> None:
    headers = {"Location": "https://elsewhere.test/"} if status == 302 else {}
    world.ashby("assessment.update", body, status, headers=headers)
    order = world.placed()
    world.work()
    update = head(order)
    assert (update.state, update.attempt_count) == ("waiting", 1)
    assert update.next_attempt_at == NINE + timedelta(seconds=5)
    assert update.last_error
    assert CallAttempt.objects.get(update=update).outcome in ("not_sent", "unknown")
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at is None

    world.ashby_takes_everything()
    clock.shift(4)
    world.work()
    assert world.waiting(order)
    clock.shift(1)
    world.work()
    update = head(order)
    assert (update.state, update.last_error, update.failing_since) == ("delivered", "", None)


def test_backoff_grows_and_retries_never_stop(world: World, clock) -> None:
    """After a day the order needs attention; hourly retries continue until they succeed."""
    world.ashby("assessment.update", {}, 500)
    assert_nothing_sent(world)
    order = world.placed()
    world.work()
    for wait in [5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, *[HOUR] * 20]:
        assert head(order).next_attempt_at == datetime.now(UTC) + timedelta(seconds=wait)
        clock.shift(wait)
        world.work()
    order.refresh_from_db()
    assert not order.needs_attention, "less than a day has passed"
    for _ in range(5):
        clock.shift(HOUR)
        world.work()
    order.refresh_from_db()
    assert order.needs_attention
    assert "Justifacts Received" in order.attention_reason
    assert order.events.filter(kind="needs_attention").count() == 1
    assert head(order).next_attempt_at == datetime.now(UTC) + timedelta(hours=1)

    world.ashby_takes_everything()
    clock.shift(HOUR)
    world.work()
    order.refresh_from_db()
    assert (order.needs_attention, order.attention_reason) == (False, "")
    assert order.events.filter(kind="attention_settled").exists()
    assert not world.waiting(order)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "2.5", 2.5),
        (429, "0", 1),
        (429, "soon", 5),
        (503, "Mon, 02 Mar 2026 09:02:00 GMT", 120),
        (503, "999999999", 24 * HOUR),
    ],
)
def test_retry_after_from_ashby_sets_the_next_attempt(world: World, clock, status, header, seconds) -> None:
    world.ashby("assessment.update", {}, status, headers={"Retry-After": header})
    order = world.placed()
    world.work()
    assert head(order).next_attempt_at == NINE + timedelta(seconds=seconds)
    world.ashby_takes_everything()
    assert_nothing_sent(world)
    clock.shift(timedelta(seconds=seconds))
    world.work()
    assert not world.waiting(order)


def test_a_rate_limit_for_the_whole_portal_delays_every_organization(world: World, clock) -> None:
    world.ashby(
        "assessment.update",
        {},
        429,
        headers={"Retry-After": "30", "X-RateLimit-Scope": "integration-partner"},
    )
    mine = world.placed("JF-1")
    world.work()
    world.ashby_takes_everything()
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    world.justifacts_takes("GX-1")
    make_next_call(theirs.pk)
    world.work()
    assert not world.delivered(theirs), "the rate limit applies to all organizations together"
    clock.shift(29)
    world.work()
    assert not world.delivered(theirs)
    clock.shift(1)
    world.work()
    assert world.delivered(theirs) == ["Justifacts Received"]
    assert not world.waiting(mine)


def test_a_rate_limit_on_one_key_delays_no_other_organization(world: World) -> None:
    world.ashby("assessment.update", {}, 429, headers={"Retry-After": "30"})
    world.placed("JF-1")
    world.work()
    world.ashby_takes_everything()
    second = world.placed("JF-2")
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    theirs = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    world.justifacts_takes("GX-1")
    world.work()
    assert not world.delivered(second), "the rate limit applies to the key"
    assert world.delivered(theirs) == ["Justifacts Received"]


@pytest.mark.parametrize("status", [200, 404])
def test_an_assessment_unknown_to_ashby_is_retried(world: World, clock, status) -> None:
    """Ashby may still be processing its own start, but not after a quarter of an hour."""
    unknown = {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "No such one."}}
    world.ashby("assessment.update", unknown, status)
    assert_nothing_sent(world)
    order = world.placed()
    world.work()
    assert head(order).next_attempt_at == NINE + timedelta(seconds=5)
    for wait in (5, 15, MINUTE, 5 * MINUTE):
        clock.shift(wait)
        world.work()
        assert head(order).state == "waiting"
    order.refresh_from_db()
    assert not order.needs_attention
    clock.shift(15 * MINUTE)
    world.work()
    order.refresh_from_db()
    assert head(order).state == "refused"
    assert order.needs_attention
    assert "No such one." in order.attention_reason


def test_after_a_worker_crash_another_worker_sends_the_same_bytes(world: World, clock, settings) -> None:
    """The worker dies after Ashby accepts the update and before this is recorded."""

    class WorkerDied(BaseException):
        pass

    def die(request: object) -> tuple[int, dict, str]:
        raise WorkerDied

    world.wire.add_callback("POST", "https://ashby.test/assessment.update", callback=die)
    order = world.placed()
    with pytest.raises(WorkerDied):
        world.work()
    world.ashby_takes_everything()
    world.work()
    assert world.waiting(order), "the lease is still valid"
    clock.shift(settings.LEASE_SECONDS)
    world.work()
    first, second = (c.request.body for c in world.wire.calls if "ashby.test" in c.request.url)
    assert first == second
    assert head(order).attempt_count == 1
