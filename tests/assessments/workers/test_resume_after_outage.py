"""Checks that Justifacts cancelled and then resumed: they need attention and are not cancelled again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from assessments.models import Order, OrderEvent
from assessments.support.retry import poll_now
from tests.assessments.reconciliation.reconciling import NINE, lines, run
from tests.fixtures.world import World, data

BY = ("push", "poll", "reconcile")
MESSAGES = (
    ("In Process: Justifacts", None),
    ("Reinstated", None),
    ("Complete", "Clear"),
    ("Justifacts Received", None),
)


def ms(seconds: float) -> int:
    return int((NINE + timedelta(seconds=seconds)).timestamp() * 1000)


def message(order: Order, status: str, result: str | None, at: int | None) -> dict[str, Any]:
    message_parts = {"assessment_status": data("status", status), "timestamp": at}
    if result:
        message_parts["assessment_result"] = data("result", result)
    return {"assessment_id": order.justifacts_order_id, "reference_id": str(order.pk), **message_parts}


def send_status(world: World, order: Order, by: str, status: str, result: str | None, at: int | None) -> None:
    body = message(order, status, result, at)
    if by == "push":
        assert world.call("/justifacts/assessment.update", body).status_code == 200
    else:
        world.justifacts("assessment.status", {"success": True, "results": body})
        if by == "poll":
            assert poll_now(order.pk, "Ada")
        else:
            run(world)
    world.work()
    order.refresh_from_db()


@pytest.fixture
def order(settled: World) -> Order:
    """Justifacts has cancelled it."""
    order = settled.placed()
    settled.push(order, "In Process: Justifacts", timestamp=ms(-120))
    settled.push(order, None, timestamp=ms(-60), cancelled_reason=data("reason", "Applicant withdrew"))
    settled.work()
    order.refresh_from_db()
    assert (order.status, order.cancelled_by) == ("cancelled", "justifacts")
    return order


@pytest.mark.parametrize(
    ("by", "at", "status", "result"),
    [
        *(("push", ms(30), *message) for message in MESSAGES),
        *(("reconcile", ms(30), *message) for message in MESSAGES[2:]),
        *((by, None, *message) for by, message in zip(BY, MESSAGES, strict=False)),
    ],
)
def test_the_order_needs_attention_once_and_is_not_cancelled(settled, order, by, status, result, at) -> None:
    delivered = settled.delivered(order)
    for _ in range(2):
        send_status(settled, order, by, status, result, at)
    assert order.status == "cancelled"
    assert not settled.sent("assessment.cancel")
    assert order.next_call == ""
    assert settled.delivered(order) == delivered, "Ashby's card stays cancelled until staff decide"
    assert order.needs_attention
    for words in ("Justifacts cancelled this check", f"“{status}”", "Ask Justifacts"):
        assert words in order.attention_reason
    assert ("report exists" in order.attention_reason) == (status == "Complete")
    assert OrderEvent.objects.filter(kind="needs_attention").count() == 1


def test_the_reconciliation_lists_the_order_until_staff_resolve_it(settled: World, order: Order) -> None:
    body = message(order, "In Process: Justifacts", None, ms(30))
    settled.justifacts("assessment.status", {"success": True, "results": body})
    for _ in range(2):
        (text,) = lines(run(settled), "needs_review")
        assert "resumed the check" in text
    settle_by_hand(order)
    report = run(settled)
    assert (report.needs_review, report.resolved) == (0, 0)
    settled.work()
    assert not settled.sent("assessment.cancel")


def settle_by_hand(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(
        needs_attention=False, attention_reason="", attention_topic="", attention_since=None
    )


def test_each_further_status_needs_attention(settled: World, order: Order) -> None:
    for seconds, (status, result) in enumerate([("In Process: Justifacts", None), ("Complete", "Review")], 1):
        send_status(settled, order, "push", status, result, ms(seconds))
    assert "“Complete” with the result “Review”" in order.attention_reason
    assert OrderEvent.objects.filter(kind="needs_attention").count() == 2


def test_a_late_push_from_before_the_cancellation_is_recorded_once(settled: World, order: Order) -> None:
    for _ in range(2):
        send_status(settled, order, "push", "In Process: Justifacts", None, ms(-120))
    assert not order.needs_attention
    assert OrderEvent.objects.filter(kind="after_end").count() == 1


def test_an_order_that_justifacts_cancels_again_needs_no_attention(settled: World, order: Order) -> None:
    send_status(settled, order, "push", "In Process: Justifacts", None, ms(30))
    send_status(settled, order, "push", "Cancelled", None, ms(-60))
    send_status(settled, order, "push", "Cancelled", None, ms(60))
    assert not order.needs_attention
    send_status(settled, order, "push", "In Process: Justifacts", None, ms(90))
    assert order.needs_attention, "resumed a second time"


def test_an_order_cancelled_by_the_portal_that_continues_is_cancelled_again(settled: World) -> None:
    order = settled.placed()
    settled.work()
    settled.justifacts("assessment.cancel", {"success": True, "results": {}})
    settled.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    settled.work()
    order.refresh_from_db()
    assert order.cancelled_by == "ashby"
    send_status(settled, order, "push", "In Process: Justifacts", None, ms(30))
    assert not order.needs_attention
    send_status(settled, order, "reconcile", "In Process: Justifacts", None, ms(60))
    assert len(settled.sent("assessment.cancel")) == 2


def test_a_new_number_after_a_cancellation_by_justifacts_is_not_cancelled(settled: World) -> None:
    order = settled.start()
    body = {"reference_id": str(order.pk), "cancelled_reason": data("reason", "No consent")}
    assert settled.call("/justifacts/assessment.update", body).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id) == ("cancelled", "")
    running = {"reference_id": str(order.pk), "assessment_id": "JF-7", "assessment_status": "Initiated"}
    assert settled.call("/justifacts/assessment.update", running).status_code == 200
    settled.work()
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.needs_attention) == ("JF-7", True)
    assert not settled.sent("assessment.cancel")


def test_a_refused_order_that_runs_needs_attention(settled: World) -> None:
    order = settled.start()
    settled.justifacts("assessment.start", {"message": "No."}, 422)
    settled.work()
    body = {"reference_id": str(order.pk), "assessment_status": "In Process: Justifacts"}
    for _ in range(2):
        assert settled.call("/justifacts/assessment.update", body).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("rejected", True)
    assert "refused this order" in order.attention_reason
    assert OrderEvent.objects.filter(kind="needs_attention").count() == 1
    assert settled.call("/justifacts/assessment.update", body | {"assessment_status": "Cancelled"})
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("rejected", False)


def test_a_completion_without_a_result_has_its_usual_label(settled: World, order: Order) -> None:
    send_status(settled, order, "push", "Complete", None, None)
    assert "“Complete” with the result “Complete”, so a report exists" in order.attention_reason


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False):
        yield
