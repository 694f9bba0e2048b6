"""Deliveries of an organization pause while Ashby refuses its key, and resume in order."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from assessments.explanation.status_summary import status_summary
from assessments.models import CallAttempt, Order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from integrations.connections.pauses import take_probe
from integrations.models import Connection
from tests.assessments.outbox.pausing import NO_PERMISSION, paused
from tests.fixtures.world import World

REFUSALS = [
    pytest.param(401, {"success": False}, id="401"),
    pytest.param(403, {"message": "Forbidden"}, id="403 with a message"),
    pytest.param(403, {"success": False, "errors": ["forbidden"]}, id="403"),
    pytest.param(403, NO_PERMISSION, id="403 without the permission"),
    pytest.param(200, NO_PERMISSION, id="200 without the permission"),
    pytest.param(200, {"success": False, "errors": ["missing_endpoint_permission"]}, id="200 code only"),
    pytest.param(200, {"success": False, "errorInfo": {"code": "api_key_deactivated"}}, id="200 deactivated"),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def globex_order(world: World, number: str = "GX-1") -> Order:
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    order = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    world.justifacts_takes(number)
    make_next_call(order.pk)
    return order


@pytest.mark.parametrize(("status", "body"), REFUSALS)
def test_a_refused_key_pauses_its_organization_and_records_the_reason(world: World, status, body) -> None:
    world.ashby("assessment.update", body, status, headers={"x-ashby-request-id": "r-9"})
    order = world.placed()
    world.work()
    connection = world.acme.connection
    connection.refresh_from_db()
    assert connection.paused_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert "Acme" in connection.pause_reason
    assert str(status) in connection.pause_reason
    assert world.acme.ashby_key not in connection.pause_reason
    assert world.waiting(order) == ["Justifacts Received"]
    assert order.events.filter(kind="paused").count() == 1
    attempt = CallAttempt.objects.get(order=order, call="deliver")
    assert (attempt.outcome, attempt.request_id, attempt.http_status) == ("unauthorized", "r-9", status)
    order.refresh_from_db()
    assert not order.needs_attention, "the connection needs attention, not each order"


def probes(world: World, clock: time_machine.Traveller, minutes: int) -> int:
    """The number of updates sent within so many minutes; workers run every minute."""
    before = len(world.sent("assessment.update"))
    for _ in range(minutes):
        clock.shift(60)
        world.work()
    return len(world.sent("assessment.update")) - before


def test_a_paused_organization_is_probed_every_five_minutes(world: World, clock) -> None:
    first, second = paused(world)
    world.justifacts("assessment.status", {}, 503)
    world.placed("JF-3")
    assert probes(world, clock, 4) == 0
    assert probes(world, clock, 1) == 1
    assert probes(world, clock, 30) == 6
    tried = {body["assessment_id"] for body in world.sent("assessment.update")[-7:]}
    assert tried == {str(first.pk)}, "the oldest update is the probe"
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert world.waiting(first)[0] == world.waiting(second)[0] == "Justifacts Received"
    assert first.events.filter(kind="paused").count() == 1


def test_a_successful_probe_resumes_deliveries_in_order(world: World, clock) -> None:
    first, second = paused(world)
    world.justifacts("assessment.status", {}, 503)
    assert probes(world, clock, 10) == 2
    world.ashby_takes_everything()
    before = len(world.delivered(first))
    assert probes(world, clock, 5) == 5
    words = ["Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts"]
    assert world.delivered(first)[before:] == words
    assert not world.waiting(second)
    connection = world.acme.connection
    connection.refresh_from_db()
    assert (connection.paused_at, connection.pause_reason, connection.ashby_problem) == (None, "", "")
    assert connection.probe_at is None
    [resumed] = first.events.filter(kind="resumed")
    assert resumed.summary == "Ashby accepts the API key again; deliveries of Acme resume."


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"success": False, "errors": ["invalid_input"]}),
        (404, {"success": False, "errors": ["not_found"]}),
    ],
    ids=["update declined", "assessment not found"],
)
def test_a_probe_that_ashby_understands_ends_the_pause(world: World, clock, status: int, body: dict) -> None:
    """Ashby has read the update, so it accepts the key."""
    paused(world)
    world.justifacts("assessment.status", {}, 503)
    world.ashby("assessment.update", body, status)
    probes(world, clock, 5)
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at is None


@pytest.mark.parametrize(("status", "body"), [(500, "oops"), (403, "error code: 1010")])
def test_a_probe_without_a_clear_answer_keeps_the_pause(world: World, clock, status: int, body: str) -> None:
    first, second = paused(world)
    world.justifacts("assessment.status", {}, 503)
    world.ashby("assessment.update", body, status)
    assert probes(world, clock, 14) == 2
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at
    world.ashby_takes_everything()
    probes(world, clock, 20)
    assert not world.waiting(first)
    assert not world.waiting(second)


def test_a_disabled_connection_is_not_probed(world: World, clock) -> None:
    paused(world)
    Connection.objects.filter(pk=world.acme.connection.pk).update(is_enabled=False)
    assert probes(world, clock, 20) == 0


def test_only_one_process_sends_the_probe(world: World, clock) -> None:
    first, second = paused(world)
    clock.shift(300)
    stale = Connection.objects.get(pk=world.acme.connection.pk)
    assert [take_probe(stale, timezone.now()) for _ in range(3)] == [True, False, False]
    assert not deliver_next(first.pk)
    assert not deliver_next(second.pk)
    assert len(world.sent("assessment.update")) == len(world.delivered(first)) + len(world.delivered(second))


def test_a_pause_from_before_the_upgrade_is_probed_at_once(world: World, clock) -> None:
    paused(world)
    Connection.objects.filter(pk=world.acme.connection.pk).update(probe_at=None)
    world.justifacts("assessment.status", {}, 503)
    assert probes(world, clock, 1) == 1


def test_the_pages_show_the_time_of_the_next_probe(world: World, admin_client) -> None:
    first, _ = paused(world)
    page = admin_client.get(reverse("admin:integrations_connection_change", args=[world.acme.connection.pk]))
    assert "The portal tries one update every 5 minutes" in page.content.decode()
    assert "Next attempt at 09:05 UTC" in page.content.decode()
    first.refresh_from_db()
    first = Order.objects.select_related("organization__connection").get(pk=first.pk)
    assert "Next attempt at 09:05 UTC." in status_summary(first, timezone.now())


HTML = "<html><title>403 Forbidden</title></html>"
PAGES = [
    pytest.param(status, body, id=f"{status} {body[:10]}")
    for status, body in (
        # In the protocol, these two refuse the key.
        *((401, body) for body in (HTML, "")),
        *((403, body) for body in ("error code: 1010", '{"error": "x"}', "[]")),
        (404, ""),
        (413, HTML),
    )
]


@pytest.mark.parametrize(("status", "body"), PAGES)
def test_an_html_refusal_from_a_proxy_is_retried_and_pauses_nothing(
    world: World, clock, status, body
) -> None:
    world.ashby("assessment.update", body, status, content_type="text/html")
    order = world.placed()
    world.push(order, "Applicant Started")
    other = world.placed("JF-2")
    world.work()
    connection = world.acme.connection
    connection.refresh_from_db()
    assert connection.paused_at is None
    assert connection.ashby_problem.startswith(f"ashby.test answered {status} with a page")
    order.refresh_from_db()
    assert not order.needs_attention
    world.ashby_takes_everything()
    before = len(world.delivered(order))
    clock.shift(5)
    world.work()
    assert world.delivered(order)[before:] == ["Justifacts Received", "Started", "Applicant Started"]
    assert not world.waiting(other)


def test_an_html_refusal_that_lasts_a_day_needs_attention(world: World, clock) -> None:
    world.ashby("assessment.update", "<html>Request Entity Too Large</html>", 413)
    world.justifacts("assessment.status", {}, 503)
    order = world.placed()
    for _ in range(26):
        world.work()
        clock.shift(3600)
    order.refresh_from_db()
    assert order.attention_topic == "delivery"
    assert world.waiting(order) == ["Justifacts Received"]


def test_other_organizations_are_not_paused(world: World) -> None:
    paused(world)
    world.ashby_takes_everything()
    other = globex_order(world)
    world.work()
    assert world.delivered(other) == ["Justifacts Received"]
    world.globex.connection.refresh_from_db()
    assert world.globex.connection.paused_at is None
