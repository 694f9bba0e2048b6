"""Ashby cancels an order, at any time and after its end (``docs/protocol.md``)."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from assessments.models import InboundRequest, Order, PendingCall
from assessments.placement.next_call import make_next_call
from assessments.statuses import Status
from tests.fixtures.world import World, data


def cancel(world: World, assessment_id: object, **options: Any) -> Any:
    return world.call("/ashby/assessment.cancel", {"assessment_id": str(assessment_id)}, **options)


def assert_accepted(world: World) -> Order:
    return world.start()


def assert_unknown(world: World) -> Order:
    """Justifacts closed the connection: the outcome of the placement is unknown."""
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectionError("reset"))
    make_next_call(order.pk)
    return order


def moved(*words: str) -> Callable[[World], Order]:
    def make(world: World) -> Order:
        order = world.placed()
        for label in words:
            assert world.push(order, label).status_code == 200
        return order

    return make


ACTIVE: dict[str, Callable[[World], Order]] = {
    "accepted": assert_accepted,
    "placing unknown": assert_unknown,
    "received": moved(),
    "applicant started": moved("Applicant Started"),
    "in process": moved("Applicant Started", "In Process: Justifacts"),
    "at an unknown status": moved("Waiting for the court"),
}


@pytest.mark.parametrize("make", ACTIVE.values(), ids=ACTIVE)
def test_cancelling_ends_an_active_order_at_once(world: World, make: Callable[[World], Order]) -> None:
    order = make(world)
    answer = cancel(world, order.pk)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "results": {"assessment_id": str(order.pk)}}
    order.refresh_from_db()
    assert (order.status, order.closing_reason) == (Status.CANCELLED, "Cancelled in Ashby")
    assert world.waiting(order)[-1] == "Cancelled: Cancelled in Ashby"
    kept = InboundRequest.objects.get(name="assessment.cancel")
    assert (kept.order, kept.outcome, kept.http_status) == (order, "cancelled", 200)


@pytest.mark.parametrize("make", ACTIVE.values(), ids=ACTIVE)
def test_cancelling_makes_no_outgoing_call(world: World, make: Callable[[World], Order]) -> None:
    order = make(world)
    before = len(world.wire.calls)
    cancel(world, order.pk)
    assert len(world.wire.calls) == before


def test_an_unplaced_order_is_never_sent_to_justifacts(world: World) -> None:
    order = world.start()
    cancel(world, order.pk)
    world.ashby_takes_everything()
    world.work()
    assert not world.sent("assessment.start")
    assert world.delivered(order) == ["Cancelled in Ashby"]


def test_a_placed_order_is_cancelled_at_justifacts_too(world: World) -> None:
    order = world.placed("JF-9")
    cancel(world, order.pk)
    world.ashby_takes_everything()
    world.justifacts("assessment.cancel", {"success": True, "results": {"assessment_id": "JF-9"}})
    world.work()
    assert world.sent("assessment.cancel") == [{"assessment_id": "JF-9"}]
    order.refresh_from_db()
    assert order.next_call == PendingCall.NONE


def completed(world: World) -> Order:
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    return order


def rejected(world: World) -> Order:
    order = world.start()
    world.justifacts("assessment.start", {"success": False, "errors": ["invalid_input"]})
    make_next_call(order.pk)
    return order


def cancelled(world: World) -> Order:
    order = world.placed()
    cancel(world, order.pk)
    return order


def cancelled_by_justifacts(world: World) -> Order:
    order = world.placed()
    world.push(order, cancelled_reason=data("reason", "Withdrawn"))
    return order


@pytest.mark.parametrize("make", [completed, rejected, cancelled, cancelled_by_justifacts])
def test_an_ended_order_is_not_changed(world: World, make: Callable[[World], Order]) -> None:
    """The call succeeds, since the order is no longer active, which is what Ashby wants."""
    order = make(world)
    order.refresh_from_db()
    status, reason, result = order.status, order.closing_reason, order.result
    waiting = world.waiting(order)
    for _ in range(2):
        answer = cancel(world, order.pk)
        assert (answer.status_code, answer.json()["success"]) == (200, True)
    order.refresh_from_db()
    assert (order.status, order.closing_reason, order.result) == (status, reason, result)
    assert world.waiting(order) == waiting
    assert InboundRequest.objects.filter(outcome="already_ended").count() == 2
    assert order.events.filter(kind="cancel_ignored").exists()


def test_a_repeated_cancellation_gets_the_same_answer_and_one_update(world: World) -> None:
    order = world.placed()
    assert cancel(world, order.pk).content == cancel(world, order.pk).content
    assert world.waiting(order).count("Cancelled: Cancelled in Ashby") == 1


@pytest.mark.parametrize(
    "assessment_id",
    [
        "00000000-0000-0000-0000-000000000000",
        "not-a-uuid",
        "JF-2026-1",
        "1",
        "x" * 200,
        "🦊",
        "' OR 1=1 --",
        "../../x",
        "{}",
    ],
)
def test_an_unknown_order_cannot_be_cancelled(world: World, assessment_id: str) -> None:
    world.placed()
    before = world.row_counts()
    answer = cancel(world, assessment_id)
    assert (answer.status_code, world.error(answer)) == (404, "assessment_not_found")
    assert world.row_counts() == before
    assert InboundRequest.objects.get(http_status=404).order is None


@pytest.mark.parametrize("value", [None, "", " ", 0, True, [], {}, ["x"], {"id": "x"}, "a\nb", "x" * 201])
def test_an_unusable_id_is_refused(world: World, value: Any) -> None:
    before = world.row_counts()
    answer = world.call("/ashby/assessment.cancel", {"assessment_id": value})
    assert (answer.status_code, world.error(answer)) == (400, "invalid_input")
    assert world.row_counts() == before


def test_an_id_is_recognized_in_any_spelling(world: World) -> None:
    order = world.start()
    assert cancel(world, str(order.pk).upper()).json()["results"]["assessment_id"] == str(order.pk)


def test_another_organizations_order_cannot_be_cancelled(world: World) -> None:
    order = world.start()
    answer = cancel(world, order.pk, key=world.globex.verification_key)
    assert (answer.status_code, world.error(answer)) == (404, "assessment_not_found")
    unheard_of = cancel(world, uuid.UUID(int=0), key=world.globex.verification_key)
    assert answer.json()["errorInfo"]["message"] == unheard_of.json()["errorInfo"]["message"]
    order.refresh_from_db()
    assert order.status == Status.ACCEPTED
