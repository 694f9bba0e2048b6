"""The intervals between polls, and what is recorded of the answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.db import IntegrityError, transaction

from assessments import tasks
from assessments.models import Order, OrderEvent
from assessments.tracking import poll_schedule
from assessments.tracking.poll import poll
from assessments.workers.due import due_work
from integrations.models import Organization
from tests.fixtures.world import World, data

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
BASE = 300


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = BASE
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def justifacts_answers(world: World, order: Order, status: str, **more: Any) -> None:
    """Sets Justifacts' answer to every poll of the order."""
    label = {
        "assessment_id": order.justifacts_order_id,
        "reference_id": str(order.pk),
        "timestamp": int(datetime.now(UTC).timestamp() * 1000),
        "assessment_status": data("status", status),
        **more,
    }
    world.justifacts("assessment.status", {"success": True, "results": label})


def seconds_to_next_poll(order: Order) -> float | None:
    """Seconds until the next poll; None if there is none."""
    order.refresh_from_db()
    if order.next_attempt_at is None:
        return None
    return (order.next_attempt_at - datetime.now(UTC)).total_seconds()


def poll_when_due(world: World, clock, order: Order) -> None:
    clock.shift(timedelta(seconds=seconds_to_next_poll(order) or 0))
    world.work()


def time_passes(world: World, clock, until: datetime) -> None:
    """Polls were due in between; the workers make one of them, at the end."""
    clock.move_to(until)
    world.work()


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    justifacts_answers(world, order, "Justifacts Received")
    world.work()
    return order


def test_the_poll_interval_grows_with_age_to_twelve_times_the_base(world: World, clock, order: Order) -> None:
    waits = []
    for _ in range(25):
        waits.append(seconds_to_next_poll(order))
        poll_when_due(world, clock, order)
    assert waits[0] == BASE
    assert waits == sorted(waits)
    assert waits[-1] == 12 * BASE
    assert len(set(waits)) > 3
    assert len(world.sent("assessment.status")) == 25


@pytest.fixture
def seldom_polled(world: World, clock, order: Order) -> Order:
    """An order in progress whose poll interval has grown to its longest."""
    time_passes(world, clock, NINE + timedelta(days=3))
    assert seconds_to_next_poll(order) == 12 * BASE
    return order


def test_a_change_resets_the_poll_interval(world: World, clock, seldom_polled: Order) -> None:
    order = seldom_polled
    justifacts_answers(world, order, "Applicant Started")
    poll_when_due(world, clock, order)
    assert order.status == "received"
    assert seconds_to_next_poll(order) == BASE
    assert order.status == "applicant_started"


def test_a_push_resets_the_poll_interval(world: World, clock, seldom_polled: Order) -> None:
    clock.shift(60)
    world.push(seldom_polled, "In Process: Justifacts")
    assert seconds_to_next_poll(seldom_polled) == BASE


def test_an_unknown_status_resets_the_poll_interval(world: World, clock, seldom_polled: Order) -> None:
    justifacts_answers(world, seldom_polled, "Awaiting county clerk")
    poll_when_due(world, clock, seldom_polled)
    assert seconds_to_next_poll(seldom_polled) == BASE
    assert world.delivered(seldom_polled)[-1] == "Awaiting county clerk"


def test_a_poll_without_changes_writes_no_event(world: World, clock, order: Order) -> None:
    before = world.row_counts()
    for _ in range(5):
        poll_when_due(world, clock, order)
    assert world.row_counts() == before
    order.refresh_from_db()
    assert order.last_polled_at == datetime.now(UTC)
    assert (order.last_call_error, order.lease_token) == ("", None)


def complete(world: World, clock, order: Order) -> datetime:
    justifacts_answers(world, order, "Complete", assessment_result=data("result", "Review"))
    poll_when_due(world, clock, order)
    return datetime.now(UTC)


def test_a_completed_order_is_polled_about_forty_times_in_sixty_days(world, clock, order) -> None:
    completed = complete(world, clock, order)
    waits = []
    while (wait := seconds_to_next_poll(order)) is not None:
        waits.append(wait)
        poll_when_due(world, clock, order)
    assert datetime.now(UTC) - completed == timedelta(days=60), "the last poll is at the very end"
    assert waits[0] == 12 * BASE
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits) == 3 * 24 * 3600
    assert 35 <= len(waits) <= 42
    polls = len(world.sent("assessment.status"))
    clock.shift(timedelta(days=30))
    world.work()
    assert len(world.sent("assessment.status")) == polls


@pytest.mark.parametrize("days", [0, 1, 7, 365])
def test_each_organization_sets_the_days_of_polling(world: World, clock, order: Order, days: int) -> None:
    Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=days)
    completed = complete(world, clock, order)
    time_passes(world, clock, completed + timedelta(days=max(days - 4, 0)))
    while seconds_to_next_poll(order) is not None:
        poll_when_due(world, clock, order)
    assert datetime.now(UTC) - completed == timedelta(days=days)
    assert order.next_call == ""


@pytest.mark.parametrize("days", [-1, 366])
def test_the_database_refuses_an_invalid_number_of_days(world: World, days: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=days)


def test_a_failed_last_poll_is_repeated(world: World, clock, order: Order) -> None:
    completed = complete(world, clock, order)
    end = completed + timedelta(days=60)
    time_passes(world, clock, end - timedelta(days=4))
    while seconds_to_next_poll(order) is not None and order.next_attempt_at < end:
        poll_when_due(world, clock, order)
    world.justifacts("assessment.status", {}, 500)
    poll_when_due(world, clock, order)
    assert (datetime.now(UTC), seconds_to_next_poll(order)) == (end, 12 * BASE)
    justifacts_answers(world, order, "Complete", assessment_result=data("result", "Clear"))
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert (order.result, order.next_call) == ("Clear", "")


@pytest.mark.parametrize("days", [1, 8, 59])
def test_a_result_that_changes_while_polling_lasts_is_sent_without_a_push(world, clock, order, days) -> None:
    completed = complete(world, clock, order)
    time_passes(world, clock, completed + timedelta(days=days))
    justifacts_answers(world, order, "Complete", assessment_result=data("result", "Clear"))
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.result == "Clear"
    results = [b["assessment_result"]["value"] for b in world.sent("assessment.update")[-2:]]
    assert results == ["Review", "Clear"]


class TestResume:
    """Completed orders that are no longer polled although their days are not over, as after an upgrade."""

    def no_longer_polled(self, world: World, clock, order: Order) -> None:
        complete(world, clock, order)
        Order.objects.filter(pk=order.pk).update(next_call="", next_attempt_at=None)

    def test_recently_completed_orders_are_polled_again(self, world: World, clock, order: Order) -> None:
        self.no_longer_polled(world, clock, order)
        clock.shift(timedelta(days=20))
        tasks.resume_polls()
        assert 0 <= seconds_to_next_poll(order) <= 3 * 24 * 3600
        justifacts_answers(world, order, "Complete", assessment_result=data("result", "Clear"))
        poll_when_due(world, clock, order)
        order.refresh_from_db()
        assert order.result == "Clear"

    def test_polling_does_not_resume_after_its_days_or_where_it_is_off(
        self, world: World, clock, order
    ) -> None:
        self.no_longer_polled(world, clock, order)
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=0)
        assert poll_schedule.resume(datetime.now(UTC)) == 0
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=60)
        assert poll_schedule.resume(datetime.now(UTC) + timedelta(days=61)) == 0
        assert poll_schedule.resume(datetime.now(UTC)) == 1
        assert poll_schedule.resume(datetime.now(UTC)) == 0, "once"


def test_a_push_is_applied_long_after_polling_has_ended(world: World, clock, order: Order) -> None:
    completed = complete(world, clock, order)
    time_passes(world, clock, completed + timedelta(days=60))
    assert seconds_to_next_poll(order) is None
    clock.shift(timedelta(days=20))
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    world.work()
    assert world.sent("assessment.update")[-1]["assessment_result"]["value"] == "Clear"
    assert seconds_to_next_poll(order) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({}, 500, id="500"),
        pytest.param({}, 401, id="401"),
        pytest.param("<html>", 200, id="garbage"),
        pytest.param(requests.ReadTimeout(), 200, id="time-out"),
        pytest.param(requests.ConnectionError("reset"), 200, id="reset"),
        pytest.param({"success": False, "errors": ["assessment_not_found"]}, 200, id="not found"),
    ],
)
def test_a_failed_poll_is_shown_and_repeated(world: World, clock, order, body, status) -> None:
    lines = OrderEvent.objects.count()
    world.justifacts("assessment.status", body, status)
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.last_call_error
    assert (order.call_failures, order.failing_since) == (1, datetime.now(UTC))
    assert OrderEvent.objects.count() == lines
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.call_failures == 2
    world.acme.connection.refresh_from_db()
    # That one order is not known is no problem of the connection's.
    assert bool(world.acme.connection.justifacts_problem) == ("assessment_not_found" not in str(body))

    justifacts_answers(world, order, "Applicant Started")
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert (order.status, order.last_call_error, order.call_failures) == ("applicant_started", "", 0)
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == ""


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "4000", 4000), (429, "10", BASE), (429, "9999999", 24 * 3600), (503, "4000", 4000)],
)
def test_retry_after_from_justifacts_delays_the_next_poll(
    world: World, clock, order, status, header, wait
) -> None:
    world.justifacts("assessment.status", {}, status, headers={"Retry-After": header})
    poll_when_due(world, clock, order)
    assert seconds_to_next_poll(order) == wait


def test_an_order_that_is_not_due_or_has_ended_is_not_polled(world: World, clock, order: Order) -> None:
    poll([order.pk])
    assert not world.sent("assessment.status")
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    clock.shift(timedelta(days=1))
    assert not due_work(datetime.now(UTC)).polls
