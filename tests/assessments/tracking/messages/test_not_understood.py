"""Messages that the portal does not understand are recorded, shown, and flagged after a day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from assessments.models import CallAttempt, InboundRequest, Order
from assessments.placement.next_call import make_next_call
from integrations.connections.circuit_breaker import OPENS_AFTER
from tests.assessments.tracking.answers import NINE, UPDATE, answer_polls, lines, poll_answer
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = 300
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    return world.placed("JF-1")


NOT_UNDERSTOOD: list[dict[str, Any]] = [
    {"assessment_status": None},
    {"assessment_status": {"identifier": "s", "label": "Complete", "value": None}},
    {"assessment_status": {"value": {"en": "Complete"}}},
    {"status": "Complete"},
    {},
]


@pytest.mark.parametrize("parts", NOT_UNDERSTOOD)
def test_a_poll_answer_not_understood_is_shown_as_a_failure(world, clock, order, parts) -> None:
    answer_polls(world, **parts)
    before = order.last_polled_at
    order = poll_answer(world, clock, order)
    assert (order.status, order.call_failures, order.last_polled_at) == ("received", 1, before)
    assert order.failing_since == datetime.now(UTC)
    assert "cannot read" in order.last_call_error
    assert "cannot read" in world.acme.connection.justifacts_problem
    (line,) = lines(order)
    assert "Ask Justifacts" in line
    assert all(name in line for name in parts)


@pytest.mark.parametrize(
    ("body", "status", "phrases"),
    [
        ({"success": False, "errors": ["order_archived"]}, 200, "order_archived"),
        ({"success": False}, 200, "Justifacts gave no reason."),
        ({"success": False, "errors": ["invalid_request"]}, 200, "invalid_request"),
        ({"message": "Closed by O'Neil"}, 400, "Closed by •••"),
    ],
)
def test_an_error_in_place_of_a_status_is_shown_as_a_failure(
    world, clock, order, body: Any, status: int, phrases: str
) -> None:
    world.justifacts("assessment.status", body, status)
    for _ in range(2):
        order = poll_answer(world, clock, order)
    assert (order.status, order.call_failures, order.last_polled_at) == ("received", 2, None)
    (line,) = lines(order)
    assert phrases in line
    assert "O'Neil" not in line
    assert phrases in world.acme.connection.justifacts_problem
    answer_polls(world, assessment_status="In Process: Justifacts")
    order = poll_answer(world, clock, order)
    assert (order.status, world.acme.connection.justifacts_problem) == ("in_process", "")


@pytest.mark.parametrize("success", ["yes", "true", 1, None])
def test_a_success_field_that_is_not_boolean_is_shown_on_the_order(
    world: World, clock, order: Order, success: object
) -> None:
    world.justifacts("assessment.status", {"success": success, "results": {"assessment_status": "Complete"}})
    order = poll_answer(world, clock, order)
    assert (order.status, order.call_failures) == ("received", 1)
    assert "does not say whether the call succeeded" in world.acme.connection.justifacts_problem
    (line,) = lines(order)
    assert '"Complete"' in line


def test_a_refused_poll_of_a_completed_order_needs_no_attention(world: World, clock, order: Order) -> None:
    world.push(order, "Complete", assessment_result="Clear")
    world.justifacts("assessment.status", {"success": False, "errors": ["assessment_completed"]})
    for _ in range(3):
        order = poll_answer(world, clock, order)
        clock.shift(timedelta(days=1))
        world.work()
    assert len(world.sent("assessment.status")) == 6
    assert (lines(order), order.needs_attention) == ([], False)
    assert world.acme.connection.justifacts_problem == ""


def test_a_repeated_message_not_understood_is_recorded_once(world: World, clock, order: Order) -> None:
    for turn in range(4):
        answer_polls(world, timestamp=1772452800123 + turn, status="Complete")
        poll_answer(world, clock, order)
    assert (order.call_failures, len(lines(order))) == (4, 1)
    answer_polls(world, status="Suspended")
    poll_answer(world, clock, order)
    assert [('"Complete"' in line, '"Suspended"' in line) for line in lines(order)] == [
        (True, False),
        (False, True),
    ]


def test_a_message_not_understood_is_recorded_again_after_a_good_one(
    world: World, clock, order: Order
) -> None:
    for label in (None, "Applicant Started", None):
        answer_polls(world, assessment_status=label)
        poll_answer(world, clock, order)
    assert len(lines(order)) == 2


def test_the_next_understood_poll_clears_the_problem(world: World, clock, order: Order) -> None:
    answer_polls(world, status="Complete")
    poll_answer(world, clock, order)
    answer_polls(world, assessment_status="Justifacts Received")
    order = poll_answer(world, clock, order)
    assert (order.call_failures, order.last_call_error, order.failing_since) == (0, "", None)
    assert order.last_polled_at == datetime.now(UTC)
    assert world.acme.connection.justifacts_problem == ""


def test_after_a_day_of_messages_not_understood_the_order_needs_attention(
    world: World, clock, order: Order
) -> None:
    answer_polls(world, status="Complete")
    waits = []
    for _ in range(40):
        poll_answer(world, clock, order)
        assert order.next_attempt_at is not None
        waits.append(order.next_attempt_at - datetime.now(UTC))
        if order.needs_attention:
            break
    assert timedelta(days=1) < datetime.now(UTC) - NINE < timedelta(days=1, hours=2)
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=300)
    assert "Look the check up at Justifacts" in order.attention_reason
    answer_polls(world, assessment_status="Justifacts Received")
    order = poll_answer(world, clock, order)
    assert not order.needs_attention


def test_the_order_command_shows_a_message_not_understood(world: World, clock, order: Order, capsys) -> None:
    answer_polls(world, status="Complete")
    poll_answer(world, clock, order)
    call_command("order", str(order.pk), "--json")
    out = capsys.readouterr().out
    assert "The last poll failed" in out
    assert '"not_understood"' in out


def test_a_message_not_understood_does_not_stop_other_orders(world: World, clock) -> None:
    world.ashby_takes_everything()
    orders = [world.placed(f"JF-{number}") for number in range(OPENS_AFTER + 2)]
    world.work()
    answer_polls(world, orders[-1].justifacts_order_id, assessment_status="Applicant Started")
    clock.shift(300)
    world.work()
    assert len(world.sent("assessment.status")) == OPENS_AFTER + 2
    assert {Order.objects.get(pk=o.pk).call_failures for o in orders[:-1]} == {1}
    assert Order.objects.get(pk=orders[-1].pk).status == "applicant_started"
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_blocked_until is None
    assert "cannot read" in world.acme.connection.justifacts_problem


def test_the_problem_stays_while_calls_for_other_orders_succeed(world: World, clock, order: Order) -> None:
    answer_polls(world, status="Complete")
    poll_answer(world, clock, order)
    other = world.start()
    world.justifacts_takes("JF-2")
    make_next_call(other.pk)
    other.refresh_from_db()
    assert other.justifacts_order_id == "JF-2"
    assert world.push(other, "Applicant Started").status_code == 200
    world.acme.connection.refresh_from_db()
    assert "cannot read" in world.acme.connection.justifacts_problem
    answer_polls(world, number=None, assessment_status="Justifacts Received")
    poll_answer(world, clock, order)
    assert world.acme.connection.justifacts_problem == ""


def test_a_start_answer_with_a_status_not_understood_accepts_the_order(world: World) -> None:
    order = world.start()
    taken = {"assessment_id": 7, "update_request": {"assessment_status": {"value": ["Received"]}}}
    world.justifacts("assessment.start", {"success": True, "results": taken})
    make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.status) == ("7", "received")
    assert len(lines(order)) == 1
    world.acme.connection.refresh_from_db()
    assert "cannot read" in world.acme.connection.justifacts_problem


@pytest.mark.parametrize("nothing", [None, {}, "", []])
def test_a_start_answer_without_a_status_is_normal(world: World, nothing: Any) -> None:
    order = world.start()
    taken = {"assessment_id": 7, "update_request": nothing}
    world.justifacts("assessment.start", {"success": True, "results": taken})
    make_next_call(order.pk)
    world.acme.connection.refresh_from_db()
    assert (lines(order), world.acme.connection.justifacts_problem) == ([], "")


def test_a_look_up_answer_with_a_status_not_understood_links_the_order(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", {}, 500)
    make_next_call(order.pk)
    answer_polls(world, 7, reference_id=str(order.pk).upper(), assessment_status=[])
    clock.shift(5)
    make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.status) == ("7", "received")
    assert len(lines(order)) == 1
    assert order.attempts.filter(call=CallAttempt.Call.PLACE).count() == 1


@pytest.mark.parametrize("parts", NOT_UNDERSTOOD)
def test_a_push_not_understood_is_recorded_on_its_order(world: World, order: Order, parts) -> None:
    before = Order.objects.values().get(pk=order.pk)
    answer = world.call(
        UPDATE, {"assessment_id": "JF-1", "note": "of Zoë O'Neil", "dob": "1980-01-01", **parts}
    )
    assert (answer.status_code, world.error(answer)) == (400, "invalid_input")
    (line,) = lines(order)
    assert "Zoë" not in line
    assert "1980" not in line
    assert InboundRequest.objects.get(source="justifacts").order == order
    world.acme.connection.refresh_from_db()
    assert "cannot read" in world.acme.connection.justifacts_problem
    assert Order.objects.values().get(pk=order.pk) == before
    world.push(order, "Applicant Started")
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == ""


def test_a_push_not_understood_is_not_recorded_on_another_organizations_order(
    world: World, order: Order
) -> None:
    body = {"reference_id": str(order.pk), "status": "Complete"}
    assert world.call(UPDATE, body, key=world.globex.verification_key).status_code == 400
    assert lines(order) == []
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.justifacts_problem == ""


@pytest.mark.parametrize("content", ["<update/>", "status=Complete", "[]", '"x"', b"\xff\xfe", "{"])
def test_a_push_without_json_is_shown_on_the_connection(world: World, content: Any) -> None:
    answer = world.call(UPDATE, content)
    assert (answer.status_code, world.error(answer)) == (400, "invalid_input")
    kept = InboundRequest.objects.get(source="justifacts")
    assert (kept.http_status, kept.outcome) == (400, "invalid_input")
    assert kept.message
    world.acme.connection.refresh_from_db()
    assert "cannot read" in world.acme.connection.justifacts_problem
