"""A whole life with failures on both sides: then every column and every line of log is looked at."""

import logging
from typing import Any

import pytest
import requests
from django.db import connection as database

from assessments.models import CallAttempt, InboundRequest, Order
from integrations.models import Connection
from tests.fixtures.statements import before_statement, fails
from tests.fixtures.world import World, data

EMAIL = "canary.candidate@example.com"
FIRST, LAST = "Canaria", "Byrdlastname"
ANSWER = "canary-answer-1990"
INSERT_ORDER = 'INSERT INTO "assessments_order"'
#: What either side says as its reason, which people shall read: own words, less what nobody should.
SAID = f"This cannot be done for {LAST}, {FIRST} ({EMAIL})"


@pytest.fixture
def life(world: World, caplog: pytest.LogCaptureFixture) -> World:
    """All that can go wrong, with answers that repeat what they were sent."""
    caplog.set_level(logging.DEBUG)
    echo = f"{EMAIL} {FIRST} {LAST} {world.acme.verification_key}"
    person = {"first_name": FIRST, "last_name": LAST, "email": EMAIL, "nickname": f"{FIRST} <{EMAIL}>"}
    changes: dict[str, Any] = {
        "candidate": person,
        "additional_fields": {"note": f"{EMAIL} {ANSWER}"},
        "unknown": [{"contact": EMAIL, "who": f"{FIRST} {LAST}"}],
    }

    _bad_calls(world, changes)
    _refused_placings(world, changes, echo)
    order = _placed_after_failures(world, changes, echo)
    _updates(world, order, echo)
    return world


def _bad_calls(world: World, changes: dict[str, Any]) -> None:
    good = world.start_body(**changes)
    for spoiled in (
        {**good, "job": {"ashby_id": None, "name": EMAIL}},
        {**good, "assessment_type_id": EMAIL},
        {**good, "assessment_type_id": str(world.acme.connection.job_package_type_id)},
        {**good, "candidate": {**good["candidate"], "email": f"{EMAIL} x"}},
        {**good, "candidate": [EMAIL], "unknown": EMAIL},
    ):
        assert 400 <= world.call("/ashby/assessment.start", spoiled).status_code < 500
    world.call("/ashby/assessment.start", f'{{"email": "{EMAIL}"'.encode())
    world.call("/ashby/assessment.start", good, key=f"wrong-{EMAIL}")
    world.call("/ashby/assessment.cancel", {"assessment_id": EMAIL})
    world.call("/justifacts/assessment.update", {"assessment_id": EMAIL, "assessment_status": EMAIL})


def _refused_placings(world: World, changes: dict[str, Any], echo: str) -> None:
    said = f"{SAID} {world.acme.verification_key}"
    world.ashby_takes_everything()
    for status, body in (
        (200, {"success": False, "errorInfo": {"code": "no", "message": said}, "you_sent": echo}),
        (422, {"message": said, "you_sent": [echo]}),
        (400, f"<h1>{echo}</h1>"),
        (403, {"success": False, "errors": [{"message": said, "parameter": "email"}], "echo": echo}),
    ):
        world.start(**changes)
        world.justifacts("assessment.start", body, status)
        world.work()

    world.push(world.start(**changes), cancelled_reason=data("reason", SAID), assessment_id="JF-0")


def _placed_after_failures(world: World, changes: dict[str, Any], echo: str) -> Order:
    said = f"{SAID} {world.acme.verification_key}"
    order = world.start(**changes)
    for status, body in ((503, {"message": said}), (429, echo), (500, echo), (200, echo)):
        world.justifacts("assessment.start", body, status)
        world.justifacts("assessment.status", body, status)
        world.work()
        Order.objects.filter(pk=order.pk).update(next_call="place", next_attempt_at=order.created_at)
        Connection.objects.update(justifacts_failures=0, justifacts_blocked_until=None)
    world.justifacts("assessment.start", requests.ConnectionError(echo))
    world.work()
    Order.objects.filter(pk=order.pk).update(next_call="place", next_attempt_at=order.created_at)
    world.justifacts(
        "assessment.start", {"success": True, "results": {"assessment_id": "JF-1"}, "you_sent": echo}
    )
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-1"
    return order


def _updates(world: World, order: Order, echo: str) -> None:
    said = f"{SAID} {world.acme.ashby_key}"
    answered = echo.replace(world.acme.verification_key, world.acme.ashby_key)
    echo = f"{EMAIL} {world.acme.verification_key}"
    world.push(order, "Applicant Started", assessment_id="JF-1", unknown=echo, metadata=[data("m", echo)])
    for status, body in (
        (500, answered),
        (200, {"success": False, "errorInfo": {"code": "odd", "message": said}, "echo": answered}),
        (429, {"message": said, "echo": answered}),
        (401, {"success": False, "errors": ["unauthorized"], "errorInfo": {"message": said}}),
    ):
        world.ashby("assessment.update", body, status)
        world.work()
        order.updates.update(next_attempt_at=order.created_at)
    world.acme.connection.__class__.objects.update(paused_at=None, pause_reason="")
    world.ashby("assessment.update", {"success": True, "warnings": [said], "results": {"e": answered}})
    world.work()
    world.push(order, f"Waiting for {EMAIL.title()}", assessment_id="JF-1")
    world.push(
        order,
        "Complete",
        assessment_id="JF-1",
        assessment_result=data("result", "Review"),
        assessment_profile_url=data("report", "https://reports.test/1", "url"),
    )
    world.work()
    order.refresh_from_db()
    assert order.status == "complete"
    assert CallAttempt.objects.filter(order=order).count() > 8


def columns_that_hold(text: str) -> set[tuple[str, str]]:
    """Every column of every table, whatever it is for, as the database has it."""
    found = set()
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # nosec B608 # noqa: S608 - the name comes from the schema
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found |= {(table, name) for name, value in zip(names, row, strict=True) if text in str(value)}
    return found


@pytest.mark.anywhere
def test_no_column_holds_a_secret_or_candidate_data_in_clear(life: World) -> None:
    for text in (life.acme.verification_key, life.acme.ashby_key, EMAIL, FIRST, LAST, ANSWER):
        assert columns_that_hold(text) == set(), text


def test_a_person_with_the_permission_reads_all_of_it(life: World) -> None:
    order = Order.objects.filter(justifacts_order_id="JF-1").get()
    assert (order.candidate_first_name, order.candidate_last_name, order.candidate_email) == (
        *(FIRST, LAST, EMAIL),
    )
    assert order.additional_fields == {"note": f"{EMAIL} {ANSWER}"}


def test_no_line_of_log_holds_any_of_it(life: World, caplog: pytest.LogCaptureFixture) -> None:
    """At the level DEBUG, and in what a traceback would say."""
    lines = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for text in (EMAIL, FIRST, LAST, ANSWER, life.acme.verification_key, life.acme.ashby_key):
        assert text not in lines


def test_an_internal_error_is_logged_without_the_candidate(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that refuses a row quotes it."""
    with before_statement(INSERT_ORDER, fails(RuntimeError(f"Row ({EMAIL})"))):
        answer = world.call("/ashby/assessment.start", world.start_body())
    assert answer.status_code == 500
    assert answer.json()["errorInfo"]["code"] == "internal_error"
    assert EMAIL not in answer.content.decode() + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_call_that_failed_here_is_recorded_all_the_same(world: World) -> None:
    with before_statement(INSERT_ORDER, fails(RuntimeError())):
        answer = world.call("/ashby/assessment.start", world.start_body())
    kept = InboundRequest.objects.get()
    assert (kept.http_status, kept.outcome) == (500, "internal_error")
    assert kept.request_id == answer.json()["errorInfo"]["requestId"]
