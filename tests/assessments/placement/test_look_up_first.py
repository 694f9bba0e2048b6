"""Orders that were due long ago: after a restore Justifacts may already have them, so they are looked up
first."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.fixtures.world import World

NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
UNKNOWN_CALL = {"success": False, "errors": ["unknown_call"]}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World, clock):
    world.ashby_takes_everything()
    world.justifacts_takes("JF-NEW")
    order = world.start()
    clock.shift(timedelta(minutes=3))
    return order


def test_an_order_that_justifacts_has_is_linked(world: World, order) -> None:
    """As after a restore of a backup from before the order was placed."""
    results = {"assessment_id": "JF-OLD", "reference_id": str(order.pk)}
    world.justifacts("assessment.status", {"success": True, "results": results})
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-OLD"
    assert not world.sent("assessment.start")
    assert "waited_long" in order.events.values_list("kind", flat=True)


@pytest.mark.parametrize(
    "answer",
    [(NOT_FOUND, 200), ({"success": False, "errors": ["unknown_call"]}, 404)],
    ids=["none", "no such call"],
)
def test_an_order_that_justifacts_lacks_or_cannot_look_up_is_placed_at_once(
    world: World, order, answer
) -> None:
    world.justifacts("assessment.status", *answer)
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-NEW"
    assert len(world.sent("assessment.start")) == 1
    assert not order.needs_attention


def test_a_look_up_is_retried_until_justifacts_answers(world: World, order, clock) -> None:
    world.justifacts("assessment.status", {}, 503)
    world.work()
    assert not world.sent("assessment.start")
    world.justifacts("assessment.status", NOT_FOUND)
    clock.shift(timedelta(minutes=1))
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-NEW"
