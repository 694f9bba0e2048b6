"""Messages from Justifacts are understood in any spelling, or shown and flagged."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from assessments.models import CallAttempt, InboundRequest, Order, OrderEvent
from assessments.placement.next_call import make_next_call
from tests.fixtures.world import World, data

UPDATE = "/justifacts/assessment.update"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = 300
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    return world.placed("JF-1")


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


def test_an_order_number_may_be_a_json_number(world: World, clock) -> None:
    world.ashby_takes_everything()
    started = world.start()
    world.justifacts("assessment.start", {"success": True, "results": {"assessment_id": 48213}})
    world.work()
    answer_polls(world, 48213, assessment_status=data("status", "In Process: Justifacts"))
    order = poll_answer(world, clock, started)
    assert (order.justifacts_order_id, order.status) == ("48213", "in_process")
    assert world.sent("assessment.status")[-1] == {"assessment_id": "48213"}
    answer_polls(world, 48213, assessment_status="Complete", assessment_result=data("result", "Clear"))
    order = poll_answer(world, clock, started)
    assert (order.status, order.result, order.last_call_error) == ("complete", "Clear", "")
    assert world.delivered(order)[-2:] == ["In Process: Justifacts", "Complete"]


@pytest.mark.parametrize("number", [48213, 48213.0, "48213", " 48213", 12345678901234567890])
def test_a_push_with_a_number_as_id_is_applied(world: World, number: Any) -> None:
    order = world.placed(str(number).strip().removesuffix(".0"))
    answer = world.call(UPDATE, {"assessment_id": number, "assessment_status": "Applicant Started"})
    assert answer.status_code == 200, answer.content
    order.refresh_from_db()
    assert order.status == "applicant_started"


@pytest.mark.parametrize(
    "write",
    [
        str.upper,
        lambda own: f"{{{own.upper()}}}",
        lambda own: f"URN:UUID:{own}",
        lambda own: own.replace("-", ""),
    ],
)
@pytest.mark.parametrize("name", ["reference_id", "assessment_id"])
def test_our_own_id_is_recognized_in_any_spelling(world: World, write, name: str) -> None:
    order = world.placed("JF-1")
    body = {name: write(str(order.pk)), "assessment_status": "Applicant Started"}
    assert world.call(UPDATE, body).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id) == ("applicant_started", "JF-1")


@pytest.mark.parametrize("nothing", ["null", " NULL ", "undefined"])
def test_null_written_as_text_counts_as_absent(world: World, clock, order: Order, nothing: str) -> None:
    absent = {
        "cancelled_reason": data("reason", nothing),
        "assessment_result": nothing,
        "reference_id": nothing,
    }
    answer_polls(world, **absent, assessment_status=data("status", "In Process: Justifacts"))
    order = poll_answer(world, clock, order)
    assert (order.status, order.result) == ("in_process", "")
    answer = world.call(UPDATE, {"assessment_id": "JF-1", **absent, "assessment_status": nothing})
    assert (answer.status_code, lines(order) != []) == (400, True)
    assert "null" not in world.delivered(order)


def test_a_start_with_null_written_as_text_for_a_number_is_looked_up(world: World) -> None:
    order = world.start()
    world.justifacts_takes("null")
    make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.next_call) == ("", "look_up")


def test_uuid_numbers_are_compared_as_uuids(world: World) -> None:
    number = "3F2B8C1E-0D6A-4A35-9A7E-5B1C2D3E4F50"
    order = world.placed(number)
    for body in ({}, {"reference_id": str(order.pk)}):
        body |= {"assessment_id": number.lower(), "assessment_status": "Applicant Started"}
        assert world.call(UPDATE, body).status_code == 200
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id) == ("applicant_started", number)


@pytest.mark.parametrize(
    "part",
    [
        {"assessment_result": ""},
        {"cancelled_reason": {"identifier": "r", "label": "R", "type": "string", "value": None}},
        {"cancelled_reason": False},
        {"metadata": {}},
        {"metadata": [{"identifier": "eta", "label": "ETA", "type": "string", "value": None}]},
        {"assessment_status": {**data("status", "Applicant Started"), "label": 3}},
        {"assessment_status": {"value": "Applicant Started"}, "timestamp": "when the moon is full"},
    ],
)
@pytest.mark.parametrize("by", ["poll", "push"])
def test_the_status_is_applied_if_everything_else_is_absent(
    world: World, clock, order, part, by: str
) -> None:
    parts = {"assessment_status": data("status", "Applicant Started"), **part}
    if by == "poll":
        answer_polls(world, **parts)
        poll_answer(world, clock, order)
    else:
        assert world.call(UPDATE, {"assessment_id": "JF-1", **parts}).status_code == 200
    order.refresh_from_db()
    assert order.status == "applicant_started"
    assert lines(order) == []


@pytest.mark.parametrize(
    "time", ["1772452800123", "2026-03-02T12:00:00.123Z", 1772452800123.0, "2026-03-02T13:00:00.123+01:00"]
)
def test_a_timestamp_is_read_in_any_form(world: World, clock, order: Order, time: Any) -> None:
    clock.move_to(datetime(2026, 3, 2, 15, tzinfo=UTC))
    world.call(UPDATE, {"assessment_id": "JF-1", "assessment_status": "Applicant Started", "timestamp": time})
    order.refresh_from_db()
    assert order.justifacts_timestamp == 1772452800123


def test_an_unreadable_timestamp_is_replaced_by_the_portals_time(world: World, order: Order) -> None:
    world.call(
        UPDATE, {"assessment_id": "JF-1", "assessment_status": "Applicant Started", "timestamp": "today"}
    )
    order.refresh_from_db()
    assert order.justifacts_timestamp == NINE.timestamp() * 1000


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
    for _ in range(40):
        order = poll_answer(world, clock, order)
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
    orders = [world.placed(f"JF-{number}") for number in range(12)]
    world.work()
    answer_polls(world, "JF-11", assessment_status="Applicant Started")
    clock.shift(300)
    world.work()
    assert len(world.sent("assessment.status")) == 12
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


@pytest.mark.parametrize(
    "kind",
    [
        *("text/plain", "application/x-www-form-urlencoded", "application/vnd.justifacts+json", ""),
        *("multipart/form-data; boundary=x", "application/octet-stream", "nonsense", "application/xml"),
    ],
)
def test_a_push_is_read_as_json_whatever_its_content_type(world: World, order: Order, kind: str) -> None:
    body = {"assessment_id": "JF-1", "assessment_status": "Applicant Started"}
    assert world.call(UPDATE, body, content_type=kind).status_code == 200
    order.refresh_from_db()
    assert order.status == "applicant_started"


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("ISO-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("UTF-16", "utf-16"),
        ("utf-8", "utf-8-sig"),
        ("unheard-of", "utf-8"),
    ],
)
def test_a_push_is_decoded_in_its_declared_charset(world: World, order: Order, charset, encoding) -> None:
    body = '{"assessment_id": "JF-1", "assessment_status": "Überprüfung"}'.encode(encoding)
    kind = f"application/json;charset={charset}"
    assert world.call(UPDATE, body, content_type=kind).status_code == 200
    assert world.waiting(order)[-1] == "Überprüfung"


def test_a_start_is_decoded_in_its_declared_charset(world: World) -> None:
    body = json.dumps(world.start_body(), ensure_ascii=False).encode("latin-1")
    answer = world.call("/ashby/assessment.start", body, content_type="application/json;charset=ISO-8859-1")
    assert answer.status_code == 200, answer.content
    assert Order.objects.get().candidate_first_name == "Zoë"


def test_a_poll_answer_is_decoded_in_its_declared_charset(world: World, clock, order: Order) -> None:
    content = '{"success": true, "results": {"assessment_id": "JF-1", "assessment_status": "Überprüfung"}}'
    world.justifacts(
        "assessment.status", content.encode("latin-1"), content_type="application/json;charset=ISO-8859-1"
    )
    poll_answer(world, clock, order)
    assert order.justifacts_status == "Überprüfung"
