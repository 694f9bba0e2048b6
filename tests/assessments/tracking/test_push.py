"""Pushes of Justifacts (``docs/protocol.md``, "The portal and Justifacts")."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.utils import timezone

from assessments.models import InboundRequest, Order, PendingCall
from assessments.placement.next_call import make_next_call
from assessments.statuses import Status
from integrations.models import Connection
from tests.fixtures.world import World, data

UPDATE = "/justifacts/assessment.update"


def push(world: World, **body: Any) -> Any:
    return world.call(UPDATE, {"assessment_status": data("status", "Applicant Started"), **body})


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


@pytest.mark.parametrize(
    "names",
    [
        {"assessment_id": "{number}"},
        {"reference_id": "{ours}"},
        {"assessment_id": "{number}", "reference_id": "{ours}"},
        {"assessment_id": "{ours}"},
        {"assessment_id": "{ours}", "reference_id": "{ours}"},
        {"assessment_id": None, "reference_id": "{ours}"},
        {"assessment_id": "", "reference_id": "{ours}"},
        {"assessment_id": " {number} ", "reference_id": " {ours} "},
        {"assessment_id": "{number}", "reference_id": ""},
        {"assessment_id": "{number}", "reference_id": None},
    ],
)
def test_an_order_is_found_by_number_by_reference_or_by_our_id(
    world: World, names: dict[str, str | None]
) -> None:
    order = world.placed("JF-5")
    body = {k: v and v.format(number="JF-5", ours=order.pk) for k, v in names.items()}
    answer = push(world, **body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["success"] is True
    assert answer.json()["results"]["assessment_id"] in ("JF-5", str(order.pk))
    assert status_of(order) == Status.APPLICANT_STARTED
    assert world.waiting(order) == ["Justifacts Received", "Started", "Applicant Started"]
    kept = InboundRequest.objects.get(source="justifacts")
    assert (kept.order, kept.outcome, kept.name) == (order, "applied", "assessment.update")


def test_a_push_is_answered_without_any_outgoing_call(world: World) -> None:
    order = world.placed()
    before = len(world.wire.calls)
    assert world.push(order, "Applicant Started").status_code == 200
    assert len(world.wire.calls) == before


def test_the_key_is_accepted_as_user_name_or_password(world: World) -> None:
    order = world.placed()
    for credentials in ("verify-acme-0123456789:", ":verify-acme-0123456789"):
        header = requests.auth._basic_auth_str(*credentials.split(":"))
        answer = world.call(
            UPDATE,
            {"assessment_id": order.justifacts_order_id, "assessment_status": "Initiated"},
            HTTP_AUTHORIZATION=header,
        )
        assert (answer.status_code, answer.json()["success"]) == (200, True)
        assert InboundRequest.objects.latest("pk").order == order


@pytest.mark.parametrize(
    "names",
    [
        {"assessment_id": "JF-unheard-of"},
        {"reference_id": "00000000-0000-4000-8000-000000000000"},
        {"reference_id": "JF-5"},
        {"reference_id": "nonsense", "assessment_id": "JF-5"},
        {"assessment_id": "🦊"},
    ],
)
def test_a_push_about_an_unknown_order_is_refused(world: World, names: dict[str, str]) -> None:
    world.placed("JF-5")
    before = world.row_counts()
    answer = push(world, **names)
    assert (answer.status_code, world.error(answer)) == (404, "assessment_not_found")
    assert world.row_counts() == before
    assert InboundRequest.objects.filter(source="justifacts", http_status=404).count() == 1


def test_a_push_cannot_reach_another_organizations_order(world: World) -> None:
    order = world.placed("JF-5")
    before = world.row_counts()
    for names in (
        {"assessment_id": "JF-5"},
        {"reference_id": str(order.pk)},
        {"assessment_id": str(order.pk)},
    ):
        answer = world.call(
            UPDATE, {**names, "assessment_status": "Complete"}, key=world.globex.verification_key
        )
        assert (answer.status_code, world.error(answer)) == (404, "assessment_not_found")
    assert world.row_counts() == before
    assert status_of(order) == Status.RECEIVED


def test_an_order_is_not_linked_to_a_number_in_use(world: World) -> None:
    world.placed("JF-1")
    waiting = world.start()
    answer = push(world, reference_id=str(waiting.pk), assessment_id="JF-1")
    assert (answer.status_code, world.error(answer)) == (409, "order_number_mismatch")


@pytest.mark.parametrize(
    ("label", "status"),
    [
        ("Justifacts Received", Status.RECEIVED),
        ("JUSTIFACTS RECEIVED", Status.RECEIVED),
        ("  justifacts\t received. ", Status.RECEIVED),
        ("Justifacts_Received", Status.RECEIVED),
        ("initiated", Status.RECEIVED),
        ("applicant-started", Status.APPLICANT_STARTED),
        ("Applicant Started!", Status.APPLICANT_STARTED),
        ("In Process: Justifacts", Status.IN_PROCESS),
        ("in process - justifacts", Status.IN_PROCESS),
        ("IN  PROCESS:JUSTIFACTS", Status.IN_PROCESS),
        ("In Process (Justifacts)", Status.IN_PROCESS),
        ("In\u00a0Process: Justifacts", Status.IN_PROCESS),
        ("Complete", Status.COMPLETE),
        ("completed.", Status.COMPLETE),
        ("CANCELLED", Status.CANCELLED),
        ("Canceled", Status.CANCELLED),
    ],
)
def test_statuses_are_recognized_in_any_spelling(world: World, label: str, status: Status) -> None:
    order = world.start()
    answer = push(world, reference_id=str(order.pk), assessment_id="JF-5", assessment_status=label)
    assert answer.status_code == 200
    assert status_of(order) == status


@pytest.mark.parametrize(
    "label", ["Waiting for the court", "Started", "Complete?ly new", "処理中", "x" * 600]
)
def test_an_unknown_status_is_sent_verbatim_once(world: World, label: str) -> None:
    order = world.placed()
    for _ in range(3):
        assert world.push(order, label).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.justifacts_status) == (Status.RECEIVED, label[:500])
    assert world.waiting(order) == ["Justifacts Received", label[:500]]
    assert order.events.filter(kind="unknown_status").count() == 1


@pytest.mark.parametrize(
    ("result", "delivered"),
    [("clear", "Clear"), (" REVIEW ", "Review"), ("adverse.", "Adverse"), ("Amber", "Amber")],
)
def test_a_result_is_sent_as_text_never_as_passed_or_failed(
    world: World, result: str, delivered: str
) -> None:
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", result))
    payload = order.updates.last().payload  # type: ignore[union-attr]
    assert payload["assessment_result"]["type"] == "string"
    assert payload["assessment_result"]["value"] == delivered
    assert payload["assessment_profile_url"]["type"] == "url"
    assert payload["assessment_profile_url"]["value"] == f"https://portal.test/orders/{order.pk}/"


def test_a_repeated_push_changes_nothing(world: World) -> None:
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Clear"))
    before = world.row_counts()
    answer = world.push(order, "Complete", assessment_result=data("result", "Clear"))
    assert answer.status_code == 200
    assert world.row_counts() == before


def test_an_earlier_status_that_arrives_late_is_recorded_and_not_applied(world: World) -> None:
    order = world.placed()
    world.push(order, "In Process: Justifacts")
    waiting = world.waiting(order)
    assert world.push(order, "Applicant Started").status_code == 200
    assert status_of(order) == Status.IN_PROCESS
    assert world.waiting(order) == waiting
    assert InboundRequest.objects.filter(outcome="recorded").count() == 1


def test_a_push_may_deliver_the_number_before_the_placement_answer(world: World) -> None:
    """The push arrives before the answer to the start: it links the order, which is not placed again."""
    order = world.start()
    assert world.push(order, "Justifacts Received", assessment_id="JF-early").status_code == 200
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.status) == ("JF-early", Status.RECEIVED)
    assert order.next_call == PendingCall.POLL
    make_next_call(order.pk)
    assert not world.sent("assessment.start")
    assert world.waiting(order) == ["Justifacts Received"]


def test_a_push_resolves_an_unknown_placement(world: World) -> None:
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout("slow"))
    make_next_call(order.pk)
    assert world.push(order, "Initiated", assessment_id="JF-late").status_code == 200
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.next_call) == ("JF-late", PendingCall.POLL)


@pytest.mark.parametrize("label", ["Applicant Started", "Awaiting Court Records"])
def test_a_push_without_a_number_stops_a_planned_second_placement(world: World, label: str) -> None:
    """The push shows that Justifacts has the order, although it answered that it did not accept it."""
    order = world.start()
    world.justifacts("assessment.start", {}, status=503)
    make_next_call(order.pk)
    assert world.push(order, label, assessment_id=str(order.pk)).status_code == 200
    results = {"assessment_id": "JF-1", "reference_id": str(order.pk)}
    world.justifacts("assessment.status", {"success": True, "results": results})
    for _ in range(2):
        Order.objects.update(next_attempt_at=timezone.now())
        Connection.objects.update(justifacts_blocked_until=None)
        make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.next_call) == ("JF-1", PendingCall.POLL)
    assert len(world.sent("assessment.start")) == 1


def test_an_order_that_justifacts_pushes_but_does_not_find_is_placed(world: World) -> None:
    order = world.start()
    world.push(order, "Applicant Started", assessment_id=str(order.pk))
    unknown = {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "None."}}
    world.justifacts("assessment.status", unknown)
    world.justifacts_takes("JF-1")
    for minutes in range(4):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
            make_next_call(order.pk)
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-1"
    assert len(world.sent("assessment.status")) == 2
