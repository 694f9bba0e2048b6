"""How often Justifacts is asked about an order, and what is kept of its answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import time_machine

from assessments.models import Event, Order
from assessments.services import poll
from assessments.services.due import due
from tests.world import World, data

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
BASE = 300


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = BASE
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def says(world: World, order: Order, status: str, **more: Any) -> None:
    """What Justifacts answers to every question about the order from now on."""
    word = {
        "assessment_id": order.justifacts_order_id,
        "reference_id": str(order.pk),
        "timestamp": int(datetime.now(UTC).timestamp() * 1000),
        "assessment_status": data("status", status),
        **more,
    }
    world.justifacts("assessment.status", {"success": True, "results": word})


def next_in(order: Order) -> float | None:
    """Seconds to the next question; None: no more."""
    order.refresh_from_db()
    if order.next_call_at is None:
        return None
    return (order.next_call_at - datetime.now(UTC)).total_seconds()


def poll_when_due(world: World, clock, order: Order) -> None:
    clock.shift(timedelta(seconds=next_in(order) or 0))
    world.work()


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    says(world, order, "Justifacts Received")
    world.work()
    return order


def test_the_waits_grow_with_the_age_to_twelve_times_the_base(world: World, clock, order: Order) -> None:
    waits = []
    for _ in range(25):
        waits.append(next_in(order))
        poll_when_due(world, clock, order)
    assert waits[0] == BASE
    assert waits == sorted(waits)
    assert waits[-1] == 12 * BASE
    assert len(set(waits)) > 3
    assert len(world.sent("assessment.status")) == 25


def test_after_a_change_they_start_again(world: World, clock, order: Order) -> None:
    for _ in range(25):
        poll_when_due(world, clock, order)
    says(world, order, "Applicant Started")
    poll_when_due(world, clock, order)
    assert order.status == "received"
    assert next_in(order) == BASE
    assert order.status == "applicant_started"


def test_after_a_push_they_start_again(world: World, clock, order: Order) -> None:
    for _ in range(25):
        poll_when_due(world, clock, order)
    clock.shift(60)
    world.push(order, "In Process: Justifacts")
    assert next_in(order) == BASE


def test_a_word_that_nobody_knows_starts_them_again(world: World, clock, order: Order) -> None:
    for _ in range(25):
        poll_when_due(world, clock, order)
    says(world, order, "Awaiting county clerk")
    poll_when_due(world, clock, order)
    assert next_in(order) == BASE
    assert world.told(order)[-1] == "Awaiting county clerk"


def test_a_poll_without_news_writes_no_line(world: World, clock, order: Order) -> None:
    before = world.written()
    for _ in range(5):
        poll_when_due(world, clock, order)
    assert world.written() == before
    order.refresh_from_db()
    assert order.polled_at == datetime.now(UTC)
    assert (order.call_error, order.claim_token) == ("", None)


def test_a_completed_order_is_asked_for_a_day_and_then_rests(world: World, clock, order: Order) -> None:
    says(world, order, "Complete", assessment_result=data("result", "Review"))
    poll_when_due(world, clock, order)
    completed = datetime.now(UTC)
    polls = 0
    while (wait := next_in(order)) is not None:
        assert wait == 12 * BASE
        poll_when_due(world, clock, order)
        polls += 1
    assert polls == 24
    assert datetime.now(UTC) - completed == timedelta(days=1)
    clock.shift(timedelta(days=30))
    asked = len(world.sent("assessment.status"))
    world.work()
    assert len(world.sent("assessment.status")) == asked


def test_a_result_that_changes_within_the_day_is_told(world: World, clock, order: Order) -> None:
    says(world, order, "Complete", assessment_result=data("result", "Review"))
    poll_when_due(world, clock, order)
    clock.shift(1)
    says(world, order, "Complete", assessment_result=data("result", "Clear"))
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.result == "Clear"
    results = [b["assessment_result"]["value"] for b in world.sent("assessment.update")[-2:]]
    assert results == ["Review", "Clear"]
    assert next_in(order) == 12 * BASE


def test_a_push_counts_long_after_the_polls_rest(world: World, clock, order: Order) -> None:
    says(world, order, "Complete", assessment_result=data("result", "Review"))
    poll_when_due(world, clock, order)
    while next_in(order) is not None:
        poll_when_due(world, clock, order)
    clock.shift(timedelta(days=20))
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    world.work()
    assert world.sent("assessment.update")[-1]["assessment_result"]["value"] == "Clear"
    assert next_in(order) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 500, id="500"),
        pytest.param({}, 401, id="401"),
        pytest.param("<html>", 200, id="garbage"),
        pytest.param(requests.ReadTimeout(), 200, id="time-out"),
        pytest.param(requests.ConnectionError("reset"), 200, id="reset"),
        pytest.param({"success": False, "errors": ["assessment_not_found"]}, 200, id="not found"),
        pytest.param({"success": True, "results": "what"}, 200, id="no word"),
    ],
)
def test_a_failure_is_to_be_seen_and_asked_again(world: World, clock, order, body, status) -> None:
    lines = Event.objects.count()
    world.justifacts("assessment.status", body, status)
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.call_error
    assert (order.call_failures, order.call_failing_since) == (1, datetime.now(UTC))
    assert Event.objects.count() == lines
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.call_failures == 2
    world.acme.connection.refresh_from_db()
    # That one order is not known is no problem of the connection's.
    assert bool(world.acme.connection.justifacts_problem) == ("assessment_not_found" not in str(body))

    says(world, order, "Applicant Started")
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert (order.status, order.call_error, order.call_failures) == ("applicant_started", "", 0)
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == ""


@pytest.mark.parametrize(("header", "wait"), [("4000", 4000), ("10", BASE), ("9999999", 24 * 3600)])
@pytest.mark.parametrize("status", [429, 503])
def test_justifacts_says_when_to_come_again(world: World, clock, order, status, header, wait) -> None:
    world.justifacts("assessment.status", {}, status, headers={"Retry-After": header})
    poll_when_due(world, clock, order)
    assert next_in(order) == wait


def test_an_order_that_is_not_due_or_ended_is_not_asked_about(world: World, clock, order: Order) -> None:
    poll.poll([order.pk])
    assert not world.sent("assessment.status")
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    clock.shift(timedelta(days=1))
    assert not due(datetime.now(UTC)).polls
