"""Cancellation in every state of an order: Ashby gets one update, Justifacts a call only if it may have the
order."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
import time_machine

from assessments.models import Order
from assessments.placement.next_call import make_next_call
from tests.assessments.placement.cancelling import CANCELLED, after, assert_over, cancel
from tests.fixtures.world import JUSTIFACTS, World, data

NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
TAKEN = {"success": True, "results": {"assessment_id": "JF-2026-1"}}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    """An order that is not placed yet; Ashby accepts updates and Justifacts accepts a cancellation."""
    world.ashby_takes_everything()
    world.justifacts("assessment.cancel", TAKEN)
    return world.start()


def test_an_order_cancelled_before_placement_never_reaches_justifacts(world: World, order: Order) -> None:
    cancel(world, order)
    assert_over(world, order, delivered=[CANCELLED], placed=0, cancels=0)


@pytest.mark.parametrize("waits", [1, 3], ids=["for seconds", "for more than an hour"])
def test_an_order_cancelled_while_waiting_for_a_retry_is_not_placed(
    world: World, clock, order: Order, waits: int
) -> None:
    """The cancellation also clears the needs-attention flag."""
    world.justifacts("assessment.start", requests.ConnectTimeout())
    world.work()
    after(world, clock, order, *[3600] * waits)
    assert order.needs_attention == (waits == 3)
    cancel(world, order)
    after(world, clock, order, 3600)
    assert_over(world, order, delivered=[CANCELLED], placed=waits + 1, cancels=0)


ENDS = {
    "accepted": (TAKEN, None, 1),
    "refused": ({"success": False, "errors": ["invalid_package"]}, None, 0),
    "not sent": (requests.ConnectTimeout(), None, 0),
    "busy": (503, None, 0),
    "unknown, found": (requests.ReadTimeout(), TAKEN, 1),
    "unknown, not found": (500, NOT_FOUND, 0),
}


@pytest.mark.parametrize(
    ("end", "failing_before"),
    [
        *((end, False) for end in ENDS),
        *((end, True) for end in ("accepted", "not sent", "unknown, not found")),
    ],
)
def test_an_order_cancelled_during_its_placement_is_cancelled_at_justifacts(
    world: World, clock, order: Order, end: str, failing_before: bool
) -> None:
    ends, look_up, cancels = ENDS[end]
    if failing_before:
        world.justifacts("assessment.start", requests.ConnectTimeout())
        after(world, clock, order, 0, 3601)
        assert order.needs_attention
        clock.shift(3600)
    failed = len(world.sent("assessment.start"))
    url = f"{JUSTIFACTS}assessment.start"

    def meanwhile(request: requests.PreparedRequest) -> tuple[int, dict, str]:
        cancel(world, order)
        if isinstance(ends, Exception):
            raise ends
        return (ends, {}, "") if isinstance(ends, int) else (200, {}, json.dumps(ends))

    world.wire.remove(responses.POST, url)
    world.wire.add_callback(responses.POST, url, callback=meanwhile)
    if look_up:
        world.justifacts("assessment.status", look_up)
    after(world, clock, order, 0, 2, 10, 3600)
    assert_over(world, order, delivered=[CANCELLED], placed=failed + 1, cancels=cancels)


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("flagged", [True, False], ids=["needs attention", "needs no attention"])
def test_an_order_cancelled_after_an_unknown_placement_is_looked_up_and_cancelled(
    world, clock, order, taken: bool, flagged: bool
) -> None:
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", {"success": False}, 404 if flagged else 500)
    after(world, clock, order, 0, 2)
    assert order.needs_attention == flagged
    cancel(world, order)
    world.justifacts("assessment.status", TAKEN if taken else NOT_FOUND)
    after(world, clock, order, 60, 60, 3600)
    assert_over(world, order, delivered=[CANCELLED], placed=1, cancels=int(taken))


def test_an_order_cancelled_after_a_worker_crash_is_looked_up_and_cancelled(
    world, clock, order, settings
) -> None:
    Order.objects.acquire([order.pk], datetime.now(UTC))
    cancel(world, order)
    world.justifacts("assessment.status", TAKEN)
    after(world, clock, order, settings.LEASE_SECONDS)
    assert_over(world, order, delivered=[CANCELLED], placed=0, cancels=1)


@pytest.mark.parametrize("times", [1, 2])
def test_a_placed_order_is_cancelled_once_at_both_partners(world: World, order: Order, times: int) -> None:
    world.justifacts_takes()
    world.work()
    for _ in range(times):
        cancel(world, order)
        world.work()
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=1)
    assert len([body for body in world.sent("assessment.update") if "cancelled_reason" in body]) == 1


def test_a_completed_order_keeps_its_result(world: World, order: Order) -> None:
    world.justifacts_takes()
    world.work()
    order.refresh_from_db()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    cancel(world, order)
    world.work()
    order.refresh_from_db()
    assert (order.status, order.result) == ("complete", "Clear")
    assert not world.sent("assessment.cancel")
    assert world.delivered(order) == ["Justifacts Received", "Complete"]
    assert order.events.filter(kind="cancel_ignored").exists()


@pytest.mark.parametrize("status", [200, 404, 409, 422])
def test_a_refused_cancellation_needs_attention(world, clock, order, status: int) -> None:
    info = {"code": "too_late", "message": "Already in court."}
    world.justifacts("assessment.cancel", {"success": False, "errorInfo": info}, status)
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    after(world, clock, order, 0, 3600)
    assert (order.status, order.next_call) == ("cancelled", "")
    assert order.attention_topic == "cancel"
    assert order.attention_reason.startswith("Justifacts did not cancel order JF-2026-1: Already in court.")
    assert len(world.sent("assessment.cancel")) == 1
    assert world.delivered(order) == ["Justifacts Received", CANCELLED]

    world.push(order, "Cancelled")
    order.refresh_from_db()
    assert not order.needs_attention


@pytest.mark.parametrize(
    "down", [requests.ConnectTimeout(), requests.ReadTimeout(), 500, 503, 429, 401, 403], ids=str
)
def test_a_cancellation_is_retried_until_justifacts_accepts_it(world, clock, order, down) -> None:
    """A refused key is no decision about the order; it can be replaced."""
    world.justifacts_takes()
    world.work()
    answer = {"body": down} if isinstance(down, Exception) else {"body": "", "status": down}
    world.justifacts("assessment.cancel", **answer)
    cancel(world, order)
    after(world, clock, order, 0, 5, 15, 60, 300)
    assert (order.next_call, order.call_failures, order.needs_attention) == ("cancel", 5, False)
    world.justifacts("assessment.cancel", TAKEN)
    after(world, clock, order, 900)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=6)


def test_a_cancellation_that_fails_for_a_day_needs_attention_and_is_retried(world, clock, order) -> None:
    world.justifacts_takes()
    world.work()
    world.justifacts("assessment.cancel", "", 503)
    cancel(world, order)
    after(world, clock, order, 0, 5, 15, 60, 300, 900, *[3600] * 25)
    assert order.attention_topic == "cancel"
    assert "The portal keeps retrying" in order.attention_reason
    assert world.delivered(order) == ["Justifacts Received", CANCELLED]

    cancels = len(world.sent("assessment.cancel"))
    world.justifacts("assessment.cancel", TAKEN)
    after(world, clock, order, 3600)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=cancels + 1)


def test_a_pushed_cancellation_stops_the_retries(world, clock, order) -> None:
    world.justifacts_takes()
    world.work()
    world.justifacts("assessment.cancel", "", 503)
    cancel(world, order)
    world.work()
    order.refresh_from_db()
    world.push(order, "Canceled")
    after(world, clock, order, 3600)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=1)


def test_a_cancelled_check_that_justifacts_completes_needs_attention(world, clock, order) -> None:
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    world.work()
    order.refresh_from_db()
    for _ in range(2):
        world.push(order, "Complete", assessment_result=data("result", "Adverse"))
    after(world, clock, order, 60)
    assert (order.status, order.result) == ("cancelled", "")
    assert order.attention_reason.startswith("Justifacts completed this check although it was cancelled.")
    assert world.delivered(order) == ["Justifacts Received", CANCELLED]
    assert order.events.filter(kind="needs_attention").count() == 1


def test_another_worker_repeats_a_cancellation_after_a_crash(world, clock, order, settings) -> None:
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    now = datetime.now(UTC)
    Order.objects.filter(next_call="cancel").acquire([order.pk], now)
    assert not make_next_call(order.pk)
    after(world, clock, order, timedelta(seconds=settings.LEASE_SECONDS).seconds)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=1)


@pytest.mark.parametrize(("body", "status"), [("", 200), ("  \n", 202), ("", 204), ({"success": True}, 201)])
def test_an_empty_2xx_answer_accepts_the_cancellation(world, clock, order, body, status: int) -> None:
    world.justifacts("assessment.cancel", body, status)
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    after(world, clock, order, 0, 3600)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=1)
    assert order.events.filter(kind="cancel_taken").count() == 1


@pytest.mark.parametrize("status", [200, 409])
def test_an_order_already_cancelled_at_justifacts_needs_no_attention(
    world, clock, order, status: int
) -> None:
    world.justifacts("assessment.cancel", {"success": False, "errors": ["already_cancelled"]}, status)
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    after(world, clock, order, 0, 3600)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"success": False, "errors": ["generic_internal_error"]}, 200),
        ({"success": False, "errors": ["err_5012"]}, 200),
        ({"success": False, "message": "Oops."}, 200),
        ("<html>Not Found</html>", 404),
        ("Forbidden", 403),
        ('{"error": "not found"}', 404),
    ],
    ids=str,
)
def test_an_unclear_answer_is_retried_before_the_order_needs_attention(
    world, clock, order, body, status: int
) -> None:
    world.justifacts("assessment.cancel", body, status)
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    after(world, clock, order, 0, 5, 15)
    assert (len(world.sent("assessment.cancel")), order.next_call) == (3, "cancel")
    assert not order.needs_attention
    world.justifacts("assessment.cancel", TAKEN)
    after(world, clock, order, 60)
    assert_over(world, order, delivered=["Justifacts Received", CANCELLED], placed=1, cancels=4)


@pytest.mark.parametrize(("code", "goes_on"), [("generic_internal_error", True), ("err_5012", False)])
def test_an_unclear_answer_repeated_four_times_needs_attention(world, clock, order, code, goes_on) -> None:
    world.justifacts("assessment.cancel", {"success": False, "errors": [code]})
    world.justifacts_takes()
    world.work()
    cancel(world, order)
    after(world, clock, order, 0, 5, 15, 60)
    assert order.attention_topic == "cancel"
    assert code in order.attention_reason
    assert order.next_call == ("cancel" if goes_on else "")
