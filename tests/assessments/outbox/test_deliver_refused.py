"""Updates that Ashby refuses as invalid: staff decide, and later updates of the order wait."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from assessments.models import AshbyUpdate, CallAttempt, Order
from assessments.support.retry import retry, skip_update
from tests.fixtures.world import World

INVALID = [
    pytest.param(
        200,
        {
            "success": False,
            "errorInfo": {"code": "invalid_input", "message": "Bad status.", "requestId": "1"},
        },
        id="errorInfo",
    ),
    pytest.param(200, {"success": False, "errors": ["invalid_input"]}, id="code alone"),
    pytest.param(
        200,
        {"success": False, "errors": [{"message": "Bad status.", "parameter": "assessment_status"}]},
        id="message and parameter",
    ),
    pytest.param(400, {"success": False, "errors": ["invalid_input"]}, id="400"),
    pytest.param(422, {"message": "Bad status."}, id="422"),
    pytest.param(400, {"success": False}, id="400 without a message"),
    pytest.param(413, {"message": "Bad status."}, id="413"),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def refused(world: World, status: int = 200, body: object = None) -> Order:
    """Ashby has refused the first of three updates."""
    body = {"success": False, "errors": ["invalid_input"]} if body is None else body
    world.ashby("assessment.update", body, status)
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    return order


def head(order: Order) -> AshbyUpdate:
    return AshbyUpdate.objects.filter(order=order).order_by("sequence")[0]


@pytest.mark.parametrize(("status", "body"), INVALID)
def test_a_refused_update_is_not_retried(world: World, clock, status, body) -> None:
    order = refused(world, status, body)
    order.refresh_from_db()
    assert (head(order).state, head(order).attempt_count) == ("refused", 1)
    assert CallAttempt.objects.get(update=head(order)).http_status == status
    assert order.needs_attention
    assert "Justifacts Received" in order.attention_reason
    if "Bad status." in str(body):
        assert "Bad status." in order.attention_reason
    world.acme.connection.refresh_from_db()
    assert world.acme.connection.paused_at is None

    world.justifacts("assessment.status", {}, 503)
    clock.shift(3 * 24 * 3600)
    world.work()
    assert world.delivered(order) == ["Justifacts Received"], (
        "neither the refused update nor the later ones are retried"
    )
    assert world.waiting(order) == ["Justifacts Received", "Started", "Applicant Started"]


def test_a_refused_update_blocks_only_its_own_order(world: World) -> None:
    refused(world)
    world.ashby_takes_everything()
    other = world.placed("JF-2")
    world.work()
    assert world.delivered(other) == ["Justifacts Received"]


def test_a_retry_by_staff_resumes_the_queue_in_order(world: World) -> None:
    order = refused(world)
    world.ashby_takes_everything()
    assert retry(order.pk, "Ada") == ["ask for the status now", "send 3 pending updates to Ashby now"]
    world.justifacts("assessment.status", {}, 503)
    world.work()
    assert world.delivered(order)[1:] == ["Justifacts Received", "Started", "Applicant Started"]
    order.refresh_from_db()
    assert (order.needs_attention, order.attention_reason) == (False, "")
    assert "Ada" in order.events.get(kind="retried").summary


def test_an_update_refused_again_needs_attention_again(world: World) -> None:
    order = refused(world)
    retry(order.pk, "Ada")
    world.justifacts("assessment.status", {}, 503)
    world.work()
    order.refresh_from_db()
    assert order.needs_attention
    assert head(order).state == "refused"
    assert order.events.filter(kind="needs_attention").count() == 2


def test_skipping_a_refused_update_releases_the_later_ones(world: World) -> None:
    order = refused(world)
    world.ashby_takes_everything()
    assert skip_update(head(order).pk, "Ada")
    world.work()
    assert world.delivered(order)[1:] == ["Started", "Applicant Started"]
    order.refresh_from_db()
    assert not order.needs_attention
    assert "Ada" in order.events.get(kind="set_aside").summary
    assert head(order).state == "set_aside"


def test_a_delivered_update_cannot_be_skipped(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    assert not skip_update(head(order).pk, "Ada")
    assert head(order).state == "delivered"
    assert not order.events.filter(kind="set_aside").exists()


def test_skipping_a_later_update_keeps_the_attention_for_the_refused_one(world: World) -> None:
    order = refused(world)
    later = AshbyUpdate.objects.get(order=order, summary="Applicant Started")
    assert skip_update(later.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert head(order).state == "refused"
    assert order.needs_attention, "the refused update still blocks the queue"
