"""Delivery of updates that Ashby accepts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assessments.models import AshbyUpdate, CallAttempt
from tests.fixtures.world import World, basic


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def last_call_to_ashby(world: World):
    return [call for call in world.wire.calls if str(call.request.url).endswith("/assessment.update")][-1]


def test_an_update_is_sent_in_ashbys_format(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    request = last_call_to_ashby(world).request
    assert request.url == "https://ashby.test/assessment.update"
    assert request.headers["Accept"] == "application/json; version=1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == basic(world.acme.ashby_key)
    agent = request.headers["User-Agent"]
    assert agent
    assert "python-requests" not in agent.lower()
    body = json.loads(request.body)
    assert body["assessment_id"] == str(order.pk)
    assert isinstance(body["timestamp"], int)
    assert None not in body.values()


def test_a_delivered_update_is_recorded_with_ashbys_request_id(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    update = AshbyUpdate.objects.get(order=order)
    assert (update.state, update.attempt_count, update.last_error) == ("delivered", 1, "")
    assert update.delivered_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    attempt = CallAttempt.objects.get(update=update)
    assert (attempt.request_id, attempt.http_status, attempt.outcome) == ("ashby-req-1", 200, "taken")
    connection = world.acme.connection
    connection.refresh_from_db()
    assert connection.ashby_last_success_at == update.delivered_at


def test_an_accepted_update_writes_nothing_to_its_order(world: World) -> None:
    world.ashby_takes_everything()
    world.placed()
    with CaptureQueriesContext(connection) as captured:
        world.work()
    statements = [query["sql"] for query in captured]
    assert any(sql.startswith('UPDATE "assessments_ashbyupdate"') for sql in statements)
    assert not [sql for sql in statements if sql.startswith('UPDATE "assessments_order"')]


def test_an_update_accepted_with_a_warning_is_delivered_and_the_warning_recorded(world: World) -> None:
    world.ashby(
        "assessment.update",
        {"success": True, "results": {}, "warnings": ["The label is deprecated.", {"odd": 1}]},
    )
    order = world.placed()
    world.work()
    update = AshbyUpdate.objects.get(order=order)
    assert update.state == "delivered"
    assert update.warnings == ["The label is deprecated.", "{'odd': 1}"]


@pytest.mark.parametrize("warnings", [None, "text", {}, 7])
def test_warnings_in_an_unexpected_shape_are_ignored(world: World, warnings: object) -> None:
    world.ashby("assessment.update", {"success": True, "results": {}, "warnings": warnings})
    order = world.placed()
    world.work()
    assert AshbyUpdate.objects.get(order=order).state == "delivered"
    assert AshbyUpdate.objects.get(order=order).warnings == []


@pytest.mark.anywhere
def test_a_retried_update_is_identical_to_the_byte(world: World, clock) -> None:
    """Ashby may have accepted the first attempt; only the same body and timestamp are safe to repeat."""
    world.ashby("assessment.update", {}, 500)
    order = world.placed()
    world.work()
    clock.shift(5)
    world.work()
    world.ashby_takes_everything()
    clock.shift(15)
    world.work()
    bodies = [c.request.body for c in world.wire.calls if str(c.request.url).endswith("assessment.update")]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert not world.waiting(order)


@pytest.mark.anywhere
def test_updates_of_one_order_are_sent_in_order(world: World, clock) -> None:
    world.ashby("assessment.update", {}, 500)
    order = world.placed()
    for status in ("Applicant Started", "In Process: Justifacts", "Complete"):
        clock.shift(1)
        world.push(order, status)
        world.work()
    assert world.delivered(order) == ["Justifacts Received"], "later updates wait for the first"
    world.ashby_takes_everything()
    clock.shift(5)
    world.work()
    assert world.delivered(order)[1:] == [
        "Justifacts Received",
        "Started",
        "Applicant Started",
        "In Process: Justifacts",
        "Complete",
    ]
    sent = [body["timestamp"] for body in world.sent("assessment.update")[1:]]
    assert sent == sorted(set(sent))


def test_a_failing_update_blocks_only_its_own_order(world: World, clock) -> None:
    world.ashby("assessment.update", {}, 500)
    first = world.placed("JF-1")
    world.work()
    world.ashby_takes_everything()
    second = world.placed("JF-2")
    world.work()
    assert world.waiting(first) == ["Justifacts Received"]
    assert world.delivered(second) == ["Justifacts Received"]
    assert not world.waiting(second)


def test_a_disabled_organization_sends_nothing(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.acme.connection.is_enabled = False
    world.acme.connection.save()
    world.work()
    assert not world.sent("assessment.update")
    clock.shift(3600)
    world.work()
    assert not world.sent("assessment.update")
    world.acme.connection.is_enabled = True
    world.acme.connection.save()
    world.justifacts("assessment.status", {}, 503)
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]
