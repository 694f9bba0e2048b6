"""The figures of the dashboard."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from assessments.insights.dashboard import (
    Scope,
    completed_checks,
    days_until,
    orders_by_day,
    percentile,
    problems,
    results,
    trends,
    turnaround,
    updates_waiting,
)
from assessments.models import AshbyUpdate, Order
from integrations.connections.pauses import pause
from integrations.models import Package
from tests.fixtures.world import Tenant, World

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
EVERYTHING = Scope()


def completed(package: Package, *, minutes: int, result: str = "Clear", ago: int = 1) -> Order:
    """A check that was completed ``ago`` days ago."""
    end = NOON - timedelta(days=ago)
    begin = end - timedelta(minutes=minutes)
    return Order.objects.create(
        organization=package.organization,
        package=package,
        application_id=f"app-{Order.objects.count()}",
        job_id="job-1",
        status="complete",
        created_at=begin,
        status_since=end,
        completed_at=end,
        turnaround_minutes=minutes,
        result=result,
        next_call="",
        next_attempt_at=None,
    )


def of(tenant: Tenant) -> Scope:
    return Scope((tenant.organization.pk,))


@given(st.lists(st.integers(0, 500), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_nearest_rank(values: list[int], percent: int) -> None:
    histogram = {value: values.count(value) for value in values}
    rank = -(-len(values) * percent // 100)
    assert percentile(histogram, percent) == sorted(values)[rank - 1]


def test_an_empty_histogram_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="empty"):
        percentile({}, 50)


@pytest.mark.anywhere
def test_turnaround_is_reported_by_package_in_whole_hours(world: World) -> None:
    for hour in range(10):
        completed(world.acme.basic, minutes=60 * hour + 59)
    completed(world.acme.executive, minutes=30)
    found = turnaround(completed_checks(EVERYTHING, NOON - timedelta(days=90)))
    assert [(row.package, row.count, row.median, row.p90) for row in found] == [
        ("Basic", 10, 4, 8),
        ("Executive", 1, 0, 0),
    ]


@pytest.mark.anywhere
def test_packages_with_one_name_count_together(world: World) -> None:
    Package.objects.filter(pk=world.acme.executive.pk).update(ashby_name="Basic")
    completed(world.acme.executive, minutes=60)
    completed(world.globex.basic, minutes=180, result="Review")
    found = completed_checks(EVERYTHING, NOON - timedelta(days=90))
    assert [(row.package, row.count, row.p90) for row in turnaround(found)] == [("Basic", 2, 3)]
    only_acme = completed_checks(of(world.acme), NOON - timedelta(days=90))
    assert [row.count for row in turnaround(only_acme)] == [1]


def test_results_are_sorted_by_frequency(world: World) -> None:
    for result in ("Review", "Clear", "Clear", "Adverse", "Review", "Clear"):
        completed(world.acme.basic, minutes=60, result=result)
    completed(world.acme.basic, minutes=60, ago=91)
    assert results(completed_checks(EVERYTHING, NOON - timedelta(days=90))) == [
        ("Clear", 3),
        ("Review", 2),
        ("Adverse", 1),
    ]


@pytest.mark.anywhere
def test_orders_are_counted_on_the_day_of_their_start(world: World) -> None:
    days = days_until(NOON, 30)
    assert (len(days), days[0], days[-1]) == (30, date(2026, 2, 3), date(2026, 3, 4))
    for created in (
        "2026-02-02T23:59:59",
        "2026-02-03T00:00:00",
        "2026-03-04T00:00:00",
        "2026-03-04T11:00:00",
    ):
        order = completed(world.acme.basic, minutes=1)
        Order.objects.filter(pk=order.pk).update(created_at=f"{created}Z")
    completed(world.globex.basic, minutes=1)
    assert orders_by_day(of(world.acme), days) == {
        (date(2026, 2, 3), "complete"): 1,
        (date(2026, 3, 4), "complete"): 2,
    }


def test_only_the_charts_of_many_orders_may_be_a_minute_old(world: World, settings) -> None:
    def counted() -> int:
        found = trends(EVERYTHING, days_until(NOON, 30), NOON - timedelta(days=90), NOON)
        assert sum(found.completed.values()) == sum(found.by_day.values())
        return sum(found.by_day.values())

    settings.BATCH_SIZES = settings.BATCH_SIZES | {"counted": 2}
    completed(world.acme.basic, minutes=1)
    assert counted() == 1
    completed(world.acme.basic, minutes=1)
    assert counted() == 2
    completed(world.acme.basic, minutes=1)
    assert counted() == 3
    completed(world.acme.basic, minutes=1)
    assert counted() == 3
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        assert counted() == 4


@pytest.mark.anywhere
def test_undelivered_updates_are_counted_by_reason_and_age(world: World) -> None:
    order = world.placed()
    AshbyUpdate.objects.update(created_at=NOON - timedelta(minutes=4))
    assert updates_waiting(EVERYTHING, NOON) == {("on_the_way", 0): 1}
    AshbyUpdate.objects.update(created_at=NOON - timedelta(minutes=59))
    assert updates_waiting(EVERYTHING, NOON) == {("on_the_way", 1): 1}
    pause(world.acme.organization, "Ashby refused the key.", NOON)
    AshbyUpdate.objects.update(created_at=NOON - timedelta(hours=7))
    assert updates_waiting(EVERYTHING, NOON) == {("paused", 3): 1}
    order.updates.update(state="refused", created_at=NOON - timedelta(days=2))
    assert updates_waiting(EVERYTHING, NOON) == {("refused", 4): 1}
    assert updates_waiting(of(world.globex), NOON) == {}
    order.updates.update(state="set_aside")
    assert updates_waiting(EVERYTHING, NOON) == {}


def test_an_order_with_two_undelivered_updates_counts_once(world: World) -> None:
    order = world.placed()
    world.push(order, "Applicant Started")
    assert order.updates.count() > 1
    found = problems(EVERYTHING)
    assert (found.ashby, found.paused, found.active) == (1, 0, 1)
    assert problems(of(world.globex)).ashby == 0
