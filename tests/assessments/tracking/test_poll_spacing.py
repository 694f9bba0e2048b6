"""How often Justifacts is asked about an order, and what is kept of its answers."""

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
    if order.next_attempt_at is None:
        return None
    return (order.next_attempt_at - datetime.now(UTC)).total_seconds()


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
    assert world.delivered(order)[-1] == "Awaiting county clerk"


def test_a_poll_without_news_writes_no_line(world: World, clock, order: Order) -> None:
    before = world.row_counts()
    for _ in range(5):
        poll_when_due(world, clock, order)
    assert world.row_counts() == before
    order.refresh_from_db()
    assert order.last_polled_at == datetime.now(UTC)
    assert (order.last_call_error, order.lease_token) == ("", None)


def complete(world: World, clock, order: Order) -> datetime:
    says(world, order, "Complete", assessment_result=data("result", "Review"))
    poll_when_due(world, clock, order)
    return datetime.now(UTC)


def test_a_completed_order_is_asked_for_sixty_days_about_forty_times(world, clock, order) -> None:
    completed = complete(world, clock, order)
    waits = []
    while (wait := next_in(order)) is not None:
        waits.append(wait)
        poll_when_due(world, clock, order)
    assert datetime.now(UTC) - completed == timedelta(days=60), "the last question is at the very end"
    assert waits[0] == 12 * BASE
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits) == 3 * 24 * 3600
    assert 35 <= len(waits) <= 42
    asked = len(world.sent("assessment.status"))
    clock.shift(timedelta(days=30))
    world.work()
    assert len(world.sent("assessment.status")) == asked


@pytest.mark.parametrize("days", [0, 1, 7, 365])
def test_an_organization_chooses_for_how_many_days(world: World, clock, order: Order, days: int) -> None:
    Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=days)
    completed = complete(world, clock, order)
    while next_in(order) is not None:
        poll_when_due(world, clock, order)
    assert datetime.now(UTC) - completed == timedelta(days=days)
    assert order.next_call == ""


@pytest.mark.parametrize("days", [-1, 366])
def test_other_numbers_of_days_are_refused_by_the_database(world: World, days: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=days)


def test_a_last_question_that_fails_is_asked_again(world: World, clock, order: Order) -> None:
    completed = complete(world, clock, order)
    end = completed + timedelta(days=60)
    while next_in(order) is not None and order.next_attempt_at < end:
        poll_when_due(world, clock, order)
    world.justifacts("assessment.status", {}, 500)
    poll_when_due(world, clock, order)
    assert (datetime.now(UTC), next_in(order)) == (end, 12 * BASE)
    says(world, order, "Complete", assessment_result=data("result", "Clear"))
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert (order.result, order.next_call) == ("Clear", "")


@pytest.mark.parametrize("days", [1, 8, 59])
def test_a_result_that_changes_within_the_days_is_told_without_a_push(world, clock, order, days) -> None:
    completed = complete(world, clock, order)
    while datetime.now(UTC) < completed + timedelta(days=days):
        poll_when_due(world, clock, order)
    says(world, order, "Complete", assessment_result=data("result", "Clear"))
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert order.result == "Clear"
    results = [b["assessment_result"]["value"] for b in world.sent("assessment.update")[-2:]]
    assert results == ["Review", "Clear"]


class TestResume:
    """Completed orders that rest although their days are not over: as after an upgrade."""

    def at_rest(self, world: World, clock, order: Order) -> None:
        complete(world, clock, order)
        Order.objects.filter(pk=order.pk).update(next_call="", next_attempt_at=None)

    def test_they_are_asked_about_again(self, world: World, clock, order: Order) -> None:
        self.at_rest(world, clock, order)
        clock.shift(timedelta(days=20))
        tasks.resume_polls()
        assert 0 <= next_in(order) <= 3 * 24 * 3600
        says(world, order, "Complete", assessment_result=data("result", "Clear"))
        poll_when_due(world, clock, order)
        order.refresh_from_db()
        assert order.result == "Clear"

    def test_polling_does_not_resume_after_its_days_or_where_it_is_off(
        self, world: World, clock, order
    ) -> None:
        self.at_rest(world, clock, order)
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=0)
        assert poll_schedule.resume(datetime.now(UTC)) == 0
        Organization.objects.filter(pk=world.acme.organization.pk).update(poll_days_after_completion=60)
        assert poll_schedule.resume(datetime.now(UTC) + timedelta(days=61)) == 0
        assert poll_schedule.resume(datetime.now(UTC)) == 1
        assert poll_schedule.resume(datetime.now(UTC)) == 0, "once"


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
    ],
)
def test_a_failure_is_to_be_seen_and_asked_again(world: World, clock, order, body, status) -> None:
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

    says(world, order, "Applicant Started")
    poll_when_due(world, clock, order)
    order.refresh_from_db()
    assert (order.status, order.last_call_error, order.call_failures) == ("applicant_started", "", 0)
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == ""


@pytest.mark.parametrize(("header", "wait"), [("4000", 4000), ("10", BASE), ("9999999", 24 * 3600)])
@pytest.mark.parametrize("status", [429, 503])
def test_justifacts_says_when_to_come_again(world: World, clock, order, status, header, wait) -> None:
    world.justifacts("assessment.status", {}, status, headers={"Retry-After": header})
    poll_when_due(world, clock, order)
    assert next_in(order) == wait


def test_an_order_that_is_not_due_or_ended_is_not_asked_about(world: World, clock, order: Order) -> None:
    poll([order.pk])
    assert not world.sent("assessment.status")
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    clock.shift(timedelta(days=1))
    assert not due_work(datetime.now(UTC)).polls
