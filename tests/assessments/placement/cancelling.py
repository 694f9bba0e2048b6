"""Helpers of the tests of cancellations."""

import time_machine

from assessments.models import Order
from tests.fixtures.world import World

CANCELLED = "Cancelled in Ashby"


def cancel(world: World, order: Order) -> None:
    answer = world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "results": {"assessment_id": str(order.pk)}}


def after(world: World, clock: time_machine.Traveller, order: Order, *seconds: float) -> Order:
    for wait in seconds:
        clock.shift(wait)
        world.work()
    order.refresh_from_db()
    return order


def assert_over(world: World, order: Order, *, delivered: list[str], placed: int, cancels: int) -> None:
    world.work()
    order.refresh_from_db()
    assert (order.status, order.closing_reason, order.next_call) == ("cancelled", CANCELLED, "")
    assert not order.needs_attention, order.attention_reason
    assert world.delivered(order) == delivered
    assert len(world.sent("assessment.start")) == placed
    assert world.sent("assessment.cancel") == [{"assessment_id": "JF-2026-1"}] * cancels
