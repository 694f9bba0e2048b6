"""Justifacts gives an order another number: by push, poll, look-up, or in the answer to a start."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
import time_machine

from assessments.models import InboundRequest, Order
from assessments.orders.staff import NotPossible
from assessments.placement.next_call import make_next_call
from assessments.support.retry import poll_now
from assessments.tracking.order_number import accept_new_number
from tests.assessments.reconciliation.reconciling import run
from tests.fixtures.world import JUSTIFACTS, World, data

UPDATE = "/justifacts/assessment.update"
NOT_FOUND = {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "No such order."}}
ASKED = "Justifacts now calls this order JF-1R; the portal knows it as JF-1."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed("JF-1")
    world.work()
    return order


def push(world: World, order: Order, number: str, status: str = "Applicant Started", **more: Any) -> Any:
    body = {"assessment_id": number, "reference_id": str(order.pk), "assessment_status": status, **more}
    answer = world.call(UPDATE, body)
    order.refresh_from_db()
    return answer


def justifacts_knows(world: World, **by: dict[str, Any]) -> None:
    """Justifacts answers a status request by number or by reference."""

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        requested = json.loads(request.body)
        found = by.get("number" if "assessment_id" in requested else "reference", NOT_FOUND)
        return 200, {}, json.dumps(found)

    url = f"{JUSTIFACTS}assessment.status"
    world.wire.remove(responses.POST, url)
    world.wire.add_callback(responses.POST, url, answer)


def message(order: Order, number: str, status: str = "In Process: Justifacts") -> dict[str, Any]:
    results = {"assessment_id": number, "reference_id": str(order.pk), "assessment_status": status}
    return {"success": True, "results": results}


def poll(world: World, order: Order) -> None:
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()


class TestOfferedNumber:
    def test_a_push_under_another_number_is_applied_and_flagged_once(
        self, world: World, order: Order
    ) -> None:
        for status in ("Applicant Started", "In Process: Justifacts"):
            assert push(world, order, "JF-1R", status).status_code == 200
        world.work()
        assert world.delivered(order)[-1] == "In Process: Justifacts"
        assert (order.justifacts_order_id, order.offered_order_number) == ("JF-1", "JF-1R")
        assert order.needs_attention
        assert order.attention_reason.startswith(ASKED)
        assert order.events.filter(kind="number_changed").count() == 1
        assert InboundRequest.objects.filter(source="justifacts").last().outcome == "applied"

    def test_an_answer_with_another_number_is_applied_and_flagged(self, world: World, order: Order) -> None:
        justifacts_knows(world, number=message(order, "JF-1R"))
        poll(world, order)
        assert world.delivered(order)[-1] == "In Process: Justifacts"
        assert order.attention_reason.startswith(ASKED)
        assert order.last_call_error == ""

    def test_an_answer_with_another_number_needs_our_reference(self, world: World, order: Order) -> None:
        answer = message(order, "JF-1R")
        for reference in ("", "8a1f2b9e-0000-4000-8000-000000000000", None):
            answer["results"]["reference_id"] = reference
            justifacts_knows(world, number=answer)
            poll(world, order)
            assert (order.status, order.offered_order_number) == ("received", "")
            assert order.last_call_error

    def test_an_unknown_number_is_polled_by_reference(self, world: World, order: Order) -> None:
        justifacts_knows(world, reference=message(order, "JF-1R"))
        for _ in range(2):
            poll(world, order)
        assert world.delivered(order)[-1] == "In Process: Justifacts"
        assert order.attention_reason.startswith(ASKED)
        polls = world.sent("assessment.status")
        assert polls == [{"assessment_id": "JF-1"}, {"reference_id": str(order.pk)}] * 2

    def test_an_order_unknown_by_number_and_reference_is_not_found(self, world: World, order: Order) -> None:
        justifacts_knows(world)
        poll(world, order)
        assert "No such order" in order.last_call_error

    def test_the_response_to_a_start_may_come_after_a_push(self, world: World) -> None:
        world.ashby_takes_everything()
        order = world.start()

        def answer(request: Any) -> tuple[int, dict[str, str], str]:
            assert push(world, order, "JF-1", "Justifacts Received").status_code == 200
            started = {"assessment_status": "Applicant Started"}
            results = {"assessment_id": "JF-1R", "update_request": started}
            return 200, {}, json.dumps({"success": True, "results": results})

        world.wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.start", answer)
        make_next_call(order.pk)
        order.refresh_from_db()
        assert (order.justifacts_order_id, order.status) == ("JF-1", "applicant_started")
        assert order.attention_reason.startswith(ASKED)

    def test_a_reconciliation_applies_the_status_and_lists_the_number(self, settled: World) -> None:
        order = settled.placed("JF-1")
        settled.work()
        justifacts_knows(settled, number=message(order, "JF-1R"))
        report = run(settled)
        settled.work()
        order.refresh_from_db()
        assert settled.delivered(order)[-1] == "In Process: Justifacts"
        assert report.needs_review == 1
        assert order.attention_reason.startswith(ASKED)

    def test_our_own_id_does_not_count_as_another_number(self, world: World, order: Order) -> None:
        for name in (str(order.pk), str(order.pk).upper(), f"{{{order.pk}}}"):
            assert push(world, order, name).status_code == 200
        assert not order.needs_attention

    def test_an_answer_with_only_our_own_id_is_applied(self, world, order) -> None:
        answer = message(order, str(order.pk).upper())
        del answer["results"]["reference_id"]
        justifacts_knows(world, number=answer)
        poll(world, order)
        assert (order.status, order.justifacts_order_id) == ("in_process", "JF-1")
        assert (order.offered_order_number, order.needs_attention) == ("", False)

    def test_another_open_question_does_not_hide_the_number(self, world: World, order: Order) -> None:
        push(world, order, "JF-1R")
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        world.push(order, "Dispute")
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
        order.refresh_from_db()
        assert order.attention_reason.startswith(ASKED)


class TestTakenNumber:
    def test_an_accepted_number_is_used_for_polls_and_cancellation(self, world, order) -> None:
        push(world, order, "JF-1R")
        accept_new_number(order.pk, "sam", "Kim says so")
        justifacts_knows(world, number=message(order, "JF-1R"))
        world.work()
        order.refresh_from_db()
        assert (order.justifacts_order_id, order.offered_order_number) == ("JF-1R", "")
        assert not order.needs_attention
        assert world.sent("assessment.status") == [{"assessment_id": "JF-1R"}]
        metadata = world.sent("assessment.update")[-1]["metadata"]
        assert "JF-1R" in [part["value"] for part in metadata]
        world.justifacts("assessment.cancel", {"success": True, "results": {}})
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        assert world.sent("assessment.cancel") == [{"assessment_id": "JF-1R"}]

    def test_messages_under_the_former_number_are_applied(self, world: World, order: Order) -> None:
        push(world, order, "JF-1R")
        accept_new_number(order.pk, "sam", "Kim says so")
        assert push(world, order, "JF-1", "In Process: Justifacts").status_code == 200
        assert (
            world.call(UPDATE, {"assessment_id": "JF-1", "assessment_status": "On Hold"}).status_code == 200
        )
        order.refresh_from_db()
        assert (order.justifacts_status, order.needs_attention) == ("On Hold", False)

    def test_an_offered_number_finds_the_order(self, world: World, order: Order) -> None:
        push(world, order, "JF-1R")
        body = {"assessment_id": "JF-1R", "assessment_status": "In Process: Justifacts"}
        assert world.call(UPDATE, body).status_code == 200
        order.refresh_from_db()
        assert order.status == "in_process"

    def test_no_number_can_be_taken_if_none_was_offered(self, order: Order) -> None:
        with pytest.raises(NotPossible):
            accept_new_number(order.pk, "sam", "x")


class TestUndecidedNumber:
    """Staff have not decided yet."""

    def cancelled(self, world: World, order: Order, **answers: Any) -> None:
        def answer(request: Any) -> tuple[int, dict[str, str], str]:
            number = json.loads(request.body)["assessment_id"]
            found = answers.get(number.replace("-", "_"), {"success": True, "results": {}})
            return 200, {}, json.dumps(found)

        push(world, order, "JF-1R")
        world.wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.cancel", answer)
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        order.refresh_from_db()

    @pytest.mark.parametrize("unknown", [{}, {"JF_1": NOT_FOUND}, {"JF_1R": NOT_FOUND}])
    def test_a_cancellation_goes_to_both_numbers(self, world: World, order: Order, unknown) -> None:
        self.cancelled(world, order, **unknown)
        cancelled_numbers = [body["assessment_id"] for body in world.sent("assessment.cancel")]
        assert cancelled_numbers == ["JF-1", "JF-1R"]
        assert order.next_call == ""
        assert order.attention_topic == "number"
        assert order.events.filter(kind="cancel_taken").exists()

    @pytest.mark.parametrize("by", ["push", "poll"])
    def test_a_number_that_appears_after_the_cancellation_is_cancelled_too(self, world, order, by) -> None:
        world.justifacts("assessment.cancel", {"success": True, "results": {}})
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        world.work()
        if by == "push":
            push(world, order, "JF-1R", "In Process: Justifacts")
        else:
            justifacts_knows(world, number=message(order, "JF-1R"))
            poll(world, order)
        world.work()
        order.refresh_from_db()
        assert [body["assessment_id"] for body in world.sent("assessment.cancel")] == [
            "JF-1",
            "JF-1",
            "JF-1R",
        ]
        assert (order.next_call, order.attention_topic) == ("", "number")

    def test_a_refused_cancellation_of_two_numbers_flags_the_order(self, world: World, order: Order) -> None:
        refusal = {"success": False, "errorInfo": {"code": "already_complete", "message": "Complete."}}
        self.cancelled(world, order, JF_1R=refusal)
        assert order.attention_topic == "cancel"
        assert "Complete." in order.attention_reason


class TestConflict:
    """Another order has the number, so the report might belong to either."""

    @pytest.mark.anywhere
    def test_a_push_with_another_orders_number_flags_both_orders_once(
        self, world: World, order: Order
    ) -> None:
        other = world.placed("JF-2")
        for _ in range(2):
            answer = push(world, order, "JF-2", "Complete", assessment_result="Adverse")
            assert (answer.status_code, world.error(answer)) == (409, "order_number_mismatch")
        other.refresh_from_db()
        for each, status in ((order, "received"), (other, "received")):
            assert each.status == status
            assert each.needs_attention
            assert "JF-2" in each.attention_reason
            assert each.events.filter(kind="needs_attention").count() == 1
        assert order.offered_order_number == ""
        assert InboundRequest.objects.filter(outcome="order_number_mismatch").count() == 2

    def test_an_answer_with_another_orders_number_flags_both_orders(self, world: World, order: Order) -> None:
        other = world.placed("JF-2")
        justifacts_knows(world, number=message(order, "JF-2"))
        poll(world, order)
        other.refresh_from_db()
        assert (order.status, order.needs_attention, other.needs_attention) == ("received", True, True)

    def test_a_number_offered_to_one_order_is_not_offered_to_another(self, world, order) -> None:
        other = world.placed("JF-2")
        push(world, order, "JF-9")
        assert push(world, other, "JF-9").status_code == 409
        assert other.offered_order_number == ""

    @pytest.mark.anywhere
    def test_another_organizations_number_is_no_conflict(self, world: World, order: Order) -> None:
        package = str(world.globex.basic.assessment_type_id)
        key = world.globex.verification_key
        started = world.call("/ashby/assessment.start", world.start_body(assessment_type_id=package), key=key)
        theirs = Order.objects.get(pk=started.json()["results"]["assessment_id"])
        Order.objects.filter(pk=theirs.pk).update(justifacts_order_id="JF-1R", may_have_been_sent=True)
        assert push(world, order, "JF-1R").status_code == 200
        theirs.refresh_from_db()
        assert not theirs.needs_attention
