"""Statuses of Justifacts, and what Ashby is sent for them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from assessments.models import Order, OrderEvent
from tests.fixtures.world import World, data

ON_THE_WAY = ["Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete"]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    """An order that Justifacts has received, as Ashby knows."""
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    return order


def send_status(world: World, order: Order, by: str, status: str | None, **parts: object) -> None:
    """Justifacts sends a status, by push or in answer to a poll; then all workers run."""
    if by == "push":
        assert world.push(order, status, **parts).status_code == 200
    else:
        text = {"assessment_id": order.justifacts_order_id, "reference_id": str(order.pk), **parts}
        if status is not None:
            text["assessment_status"] = data("status", status)
        world.justifacts("assessment.status", {"success": True, "results": text})
        Order.objects.filter(pk=order.pk, next_call="poll").update(next_attempt_at=datetime.now(UTC))
    world.work()
    order.refresh_from_db()


BY = pytest.mark.parametrize("by", ["push", "poll"])


@BY
def test_each_status_moves_the_order_and_ashby_gets_the_usual_spelling_once(
    world: World, order: Order, by: str
) -> None:
    delivered = ["Justifacts Received"]
    for spellings, status, labels in (
        (("Justifacts Received", "initiated"), "received", []),
        (("APPLICANT_STARTED", "Applicant Started"), "applicant_started", ["Started", "Applicant Started"]),
        (("in process - justifacts.", "In Process: Justifacts"), "in_process", ["In Process: Justifacts"]),
        ((" COMPLETED ", "Complete"), "complete", ["Complete"]),
    ):
        delivered += labels
        for text in spellings:
            send_status(world, order, by, text)
            assert (order.status, world.delivered(order)) == (status, delivered), text


@BY
def test_a_cancellation_by_justifacts_is_sent_once(world: World, order: Order, by: str) -> None:
    for text in ("canceled", "Cancelled"):
        send_status(world, order, by, text)
        assert order.status == "cancelled"
        assert world.delivered(order) == ["Justifacts Received", "Cancelled at Justifacts"]


@BY
def test_a_repeated_unknown_status_is_sent_once_verbatim(world, order, by) -> None:
    for _ in range(3):
        send_status(world, order, by, "Awaiting Court Records")
    assert (order.status, order.justifacts_status) == ("received", "Awaiting Court Records")
    assert world.delivered(order) == ["Justifacts Received", "Awaiting Court Records"]
    assert OrderEvent.objects.filter(kind="unknown_status").count() == 1
    assert order.next_call == "poll"


def test_each_of_two_unknown_statuses_is_sent(world: World, order: Order) -> None:
    for text in ("On Hold", "Awaiting Records", "On Hold"):
        send_status(world, order, "poll", text)
    assert world.delivered(order)[1:] == ["On Hold", "Awaiting Records", "On Hold"]


def test_an_unknown_status_with_the_candidates_email_is_sent_once_verbatim(world, order) -> None:
    for _ in range(2):
        send_status(world, order, "push", "Mail to Zoe.ONeil@example.com bounced")
    assert world.delivered(order)[1:] == ["Mail to Zoe.ONeil@example.com bounced"]


@BY
@pytest.mark.parametrize("reached", [2, 3], ids=["in process", "complete"])
def test_an_earlier_status_that_arrives_late_is_recorded_and_not_applied(world, order, by, reached) -> None:
    send_status(world, order, "push", ON_THE_WAY[reached])
    before = (order.status, world.delivered(order))
    for text in ON_THE_WAY[:reached]:
        for _ in range(2):
            send_status(world, order, by, text)
    assert (order.status, world.delivered(order)) == before
    lines = OrderEvent.objects.filter(kind__in=("late", "after_end"), summary__contains="Justifacts said “")
    assert {text for text in ON_THE_WAY if lines.filter(summary__contains=f"“{text}”")} == set(
        ON_THE_WAY[:reached]
    )


def test_statuses_that_justifacts_skips_are_not_sent(world: World, order: Order) -> None:
    send_status(world, order, "push", "In Process: Justifacts")
    assert world.delivered(order) == ["Justifacts Received", "In Process: Justifacts"]


def test_the_started_signal_is_sent_right_before_its_label(world, order) -> None:
    """“Started” makes Ashby store the start time."""
    send_status(world, order, "push", "Applicant Started")
    signal, label = world.sent("assessment.update")[-2:]
    assert [u["assessment_status"]["value"] for u in (signal, label)] == ["Started", "Applicant Started"]
    assert {u["assessment_status"]["type"] for u in (signal, label)} == {"string"}
    assert signal["timestamp"] < label["timestamp"]


@BY
def test_ashby_gets_justifacts_reason_for_a_cancellation(world: World, order: Order, by: str) -> None:
    reason = data("cancelled_reason", "The applicant withdrew consent")
    for _ in range(2):
        send_status(world, order, by, None, cancelled_reason=reason)
    assert (order.status, order.closing_reason) == ("cancelled", "The applicant withdrew consent")
    assert world.delivered(order) == ["Justifacts Received", "The applicant withdrew consent"]
    assert not world.sent("assessment.cancel")
    assert order.next_call == ""


def test_a_cancellation_reason_overrides_the_status(world: World, order: Order) -> None:
    send_status(world, order, "push", "In Process: Justifacts", cancelled_reason=data("r", "Duplicate order"))
    assert world.delivered(order)[1:] == ["Duplicate order"]
    [_, end] = world.sent("assessment.update")
    assert "assessment_status" not in end


def test_a_status_after_a_cancellation_is_not_sent(world: World, order: Order) -> None:
    send_status(world, order, "push", "Cancelled")
    for text in (*ON_THE_WAY[:3], "Something New"):
        send_status(world, order, "push", text)
    assert order.status == "cancelled"
    assert world.delivered(order)[1:] == ["Cancelled at Justifacts"]


@BY
def test_a_status_is_sent_again_after_an_unknown_one(world: World, order: Order, by: str) -> None:
    """Otherwise Ashby's card would stay at “On Hold” although the check continues."""
    send_status(world, order, by, "Applicant Started")
    for text in ("On Hold", "Applicant Started", "Applicant Started"):
        send_status(world, order, by, text)
    assert (order.status, order.status_unrecognized) == ("applicant_started", False)
    assert world.delivered(order)[1:] == ["Started", "Applicant Started", "On Hold", "Applicant Started"]


def test_a_late_push_of_an_unknown_status_is_recorded_and_not_sent(world, order) -> None:
    send_status(world, order, "push", "In Process: Justifacts", timestamp=2_000)
    send_status(world, order, "push", "On Hold", timestamp=1_000)
    assert (order.justifacts_status, order.status_unrecognized) == ("In Process: Justifacts", False)
    assert world.delivered(order)[1:] == ["In Process: Justifacts"]
    assert OrderEvent.objects.filter(kind="late", summary__contains="“On Hold”").exists()


def test_an_unknown_status_in_an_answer_is_sent_whatever_its_timestamp(world: World, order: Order) -> None:
    """It is new, so it is no repetition: Justifacts dates its statuses by different clocks."""
    send_status(world, order, "push", "In Process: Justifacts", timestamp=2_000_000_000_000)
    send_status(world, order, "push", "In Process: Justifacts", timestamp=1_772_000_000_000)
    for _ in range(2):
        send_status(world, order, "poll", "On Hold", timestamp=1_771_000_000_000)
    assert world.delivered(order)[1:] == ["In Process: Justifacts", "On Hold"]


def test_an_unknown_status_dated_before_the_portals_own_time_is_sent(world: World, order: Order) -> None:
    send_status(world, order, "push", "In Process: Justifacts", timestamp=None)
    a_minute_ago = int(datetime.now(UTC).timestamp() * 1000) - 60_000
    send_status(world, order, "push", "On Hold", timestamp=a_minute_ago)
    assert world.delivered(order)[1:] == ["In Process: Justifacts", "On Hold"]


def test_a_late_known_status_does_not_replace_a_newer_unknown_one(world, order) -> None:
    for text, at in (
        ("In Process: Justifacts", 1_000),
        ("On Hold", 2_000),
        ("In Process: Justifacts", 1_000),
    ):
        send_status(world, order, "push", text, timestamp=at)
    assert (order.justifacts_status, order.status_unrecognized) == ("On Hold", True)
    assert world.delivered(order)[1:] == ["In Process: Justifacts", "On Hold"]


@pytest.mark.parametrize("text", ["Green", "green"])
def test_a_status_or_result_that_equals_a_name_is_sent_verbatim(world: World, text: str) -> None:
    """The candidate is called Green: a redacted status or result would be useless to Ashby."""
    candidate = {**world.start_body()["candidate"], "last_name": "Green"}
    world.ashby_takes_everything()
    order = world.placed(candidate=candidate)
    world.push(order, text)
    world.push(order, "Complete", assessment_result=data("result", text))
    world.work()
    assert text in world.delivered(order)
    order.refresh_from_db()
    assert order.result == text


def test_a_status_that_contains_a_name_is_sent_verbatim(world: World) -> None:
    candidate = {**world.start_body()["candidate"], "last_name": "Green"}
    world.ashby_takes_everything()
    order = world.placed(candidate=candidate)
    world.push(order, "Waiting for Green")
    world.work()
    assert "Waiting for Green" in world.delivered(order)


def test_a_dispute_in_the_message_of_completion_is_sent_and_flagged(world: World, order: Order) -> None:
    world.push(order, "Dispute", assessment_result=data("result", "Review"))
    order.refresh_from_db()
    assert (order.status, order.result) == ("complete", "Review")
    assert [update.summary for update in order.updates.order_by("sequence")][-1].startswith("Dispute")
    assert order.needs_attention
    assert "Dispute" in order.attention_reason
    updates = order.updates.count()
    world.push(order, "Dispute", assessment_result=data("result", "Review"))
    assert order.updates.count() == updates
