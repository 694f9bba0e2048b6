"""Helpers of the tests of messages after completion."""

from datetime import UTC, datetime
from typing import Any

from assessments.models import Order
from assessments.support.retry import poll_now
from tests.fixtures.world import World, data

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


def ms(seconds_after_nine: float) -> int:
    return int((NINE.timestamp() + seconds_after_nine) * 1000)


def message(status: str | None, result: str | None = None, **parts: Any) -> dict[str, Any]:
    message_parts = {"assessment_status": data("status", status)} if status else {}
    if result:
        message_parts["assessment_result"] = data("result", result)
    return {**message_parts, **parts}


def push(world: World, order: Order, status: str | None, result: str | None = None, **parts: Any) -> None:
    body = {"assessment_id": order.justifacts_order_id, "reference_id": str(order.pk)}
    answer = world.call("/justifacts/assessment.update", {**body, **message(status, result, **parts)})
    assert answer.status_code == 200, answer.content
    world.work()
    order.refresh_from_db()


def polled(world: World, order: Order, status: str | None, result: str | None = None, **parts: Any) -> None:
    body = {"assessment_id": order.justifacts_order_id, "reference_id": str(order.pk)}
    results = {**body, **message(status, result, **parts)}
    world.justifacts("assessment.status", {"success": True, "results": results})
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()


def sent_results(world: World) -> list[tuple[str, str]]:
    """The status and result of each update since the completion."""
    return [
        (body["assessment_status"]["value"], body["assessment_result"]["value"])
        for body in world.sent("assessment.update")
        if "assessment_result" in body
    ]
