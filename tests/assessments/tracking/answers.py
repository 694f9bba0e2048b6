"""Helpers of the tests of Justifacts' messages."""

from datetime import UTC, datetime
from typing import Any

import time_machine

from assessments.models import Order, OrderEvent
from tests.fixtures.world import World

UPDATE = "/justifacts/assessment.update"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def answer_polls(world: World, number: Any = "JF-1", **parts: Any) -> None:
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": number, **parts}})


def poll_answer(world: World, clock: time_machine.Traveller, order: Order) -> Order:
    """The order after its next poll."""
    order.refresh_from_db()
    assert order.next_attempt_at is not None
    clock.move_to(order.next_attempt_at)
    world.work()
    order.refresh_from_db()
    world.acme.connection.refresh_from_db()
    return order


def lines(order: Order) -> list[str]:
    return list(
        OrderEvent.objects.filter(order=order, kind="not_understood").values_list("summary", flat=True)
    )
