"""Messages from Justifacts are understood in any spelling and charset."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from assessments.models import Order
from assessments.placement.next_call import make_next_call
from tests.assessments.tracking.answers import NINE, UPDATE, answer_polls, lines, poll_answer
from tests.fixtures.world import World, data


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = 300
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    return world.placed("JF-1")


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


@pytest.mark.parametrize("name", ["reference_id", "assessment_id"])
def test_our_own_id_is_recognized_in_any_spelling(world: World, name: str) -> None:
    order = world.placed("JF-1")
    own = str(order.pk)
    for spelling in (own.upper(), f"{{{own.upper()}}}", f"URN:UUID:{own}", own.replace("-", "")):
        body = {name: spelling, "assessment_status": f"Read {spelling}"}
        assert world.call(UPDATE, body).status_code == 200, spelling
        order.refresh_from_db()
        assert (order.justifacts_status, order.justifacts_order_id) == (f"Read {spelling}", "JF-1")


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
def test_the_status_is_applied_if_everything_else_is_absent(world: World, clock, order, part) -> None:
    answer_polls(world, **{"assessment_status": data("status", "Applicant Started"), **part})
    order = poll_answer(world, clock, order)
    assert order.status == "applicant_started"
    pushed = {"assessment_status": data("status", "In Process: Justifacts"), **part}
    if "assessment_status" in part:
        pushed["assessment_status"] = {**part["assessment_status"], "value": "In Process: Justifacts"}
    assert world.call(UPDATE, {"assessment_id": "JF-1", **pushed}).status_code == 200
    order.refresh_from_db()
    assert order.status == "in_process"
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
