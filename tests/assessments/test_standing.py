"""Orders that stay in a status for longer than is usual stand still."""

from datetime import UTC, datetime, timedelta

import pytest

from assessments.models import Order
from assessments.services.standing import business_days_before, standing_still
from tests.world import World

pytestmark = pytest.mark.anywhere

#: A Wednesday.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "limit"),
    [
        ("accepted", timedelta(minutes=15)),
        ("received", timedelta(days=3)),
        ("applicant_started", timedelta(days=7)),
        ("in_process", timedelta(days=14)),  # Ten of these are working days.
    ],
)
def test_each_status_on_the_way_has_its_limit(world: World, status: str, limit: timedelta) -> None:
    order = world.start()
    orders = Order.objects.filter(pk=order.pk)
    orders.update(status=status, status_since=NOON - limit)
    assert not orders.filter(standing_still(NOON)).exists()
    orders.update(status_since=NOON - limit - SECOND)
    assert orders.filter(standing_still(NOON)).exists()


@pytest.mark.parametrize("status", ["complete", "cancelled", "rejected"])
def test_what_has_ended_stands_for_ever(world: World, status: str) -> None:
    order = world.start()
    long_ago = NOON - timedelta(days=300)
    Order.objects.filter(pk=order.pk).update(status=status, status_since=long_ago, completed_at=long_ago)
    assert not Order.objects.filter(standing_still(NOON)).exists()


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 2, 27, 12, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 2, 26, 23, 59, 59, tzinfo=UTC)),
    ],
    ids=["Wednesday", "Monday", "Sunday"],
)
def test_weekends_are_no_working_days(day: datetime, before: datetime) -> None:
    assert business_days_before(day, 1) == before
