"""Retry and poll now."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine

from assessments.models import AshbyUpdate, Order
from assessments.placement.next_call import make_next_call
from assessments.support.retry import poll_now, retry
from tests.fixtures.world import World, data

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def summaries(order: Order, kind: str) -> list[str]:
    return list(order.events.filter(kind=kind).values_list("summary", flat=True))


def test_a_delayed_placement_is_made_now(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", {}, 503, headers={"Retry-After": "3600"})
    world.work()
    world.justifacts_takes()
    world.work()
    assert len(world.sent("assessment.start")) == 1
    assert retry(order.pk, "Ada") == ["place the order now"]
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-2026-1"
    assert summaries(order, "retried") == ["Ada asked to place the order now."]


def test_an_unknown_placement_is_looked_up_and_never_placed_again(world: World, clock) -> None:
    """Placing it again could buy a second background check."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", {"success": False}, 404)
    world.work()
    clock.shift(5)
    world.work()
    order.refresh_from_db()
    assert order.needs_attention
    for _ in range(3):
        retry(order.pk, "Ada")
        world.work()
    assert len(world.sent("assessment.start")) == 1
    assert len(world.sent("assessment.status")) > 1
    found = {"success": True, "results": {"assessment_id": "JF-5", "reference_id": str(order.pk)}}
    world.justifacts("assessment.status", found)
    retry(order.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.needs_attention) == ("JF-5", False)


def test_pending_updates_are_delivered_now_and_in_order(world: World, clock) -> None:
    world.ashby("assessment.update", {}, 429, headers={"Retry-After": "7200"})
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    world.ashby_takes_everything()
    world.justifacts("assessment.status", {}, 503)
    assert "send 3 pending updates to Ashby now" in retry(order.pk, "Ada")
    world.work()
    assert world.delivered(order)[1:] == ["Justifacts Received", "Started", "Applicant Started"]


def test_a_retry_without_pending_work_writes_nothing(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", {"message": "No."}, 422)
    world.work()
    before = world.row_counts()
    assert retry(order.pk, "Ada") == []
    assert world.row_counts() == before


def test_a_call_in_progress_is_not_retried(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    retried: list[list[str]] = []

    def answer(request: object) -> tuple[int, dict, str]:
        retried.append(retry(order.pk, "Ada"))
        return 200, {}, '{"success": true, "results": {"assessment_id": "JF-1"}}'

    world.wire.add_callback(
        "POST", "https://justifacts.test/servlet/application_ashby/assessment.start", answer
    )
    make_next_call(order.pk)
    assert retried == [[]]
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.next_call) == ("JF-1", "poll")


def test_paused_deliveries_stay_paused(world: World) -> None:
    """A retry does not make a refused key work."""
    world.ashby("assessment.update", {"success": False}, 403)
    order = world.placed()
    world.work()
    world.justifacts("assessment.status", {}, 503)
    retry(order.pk, "Ada")
    world.work()
    assert len(world.sent("assessment.update")) == 1


def test_poll_now_applies_the_present_status(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    results = {"assessment_id": "JF-2026-1", "assessment_status": data("status", "In Process: Justifacts")}
    world.justifacts("assessment.status", {"success": True, "results": results})
    world.work()
    assert not world.sent("assessment.status")
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert order.status == "in_process"
    assert summaries(order, "poll_asked") == ["Ada asked Justifacts for the status now."]


def test_a_completed_order_can_be_polled_after_its_polls_have_ended(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    results = {
        "assessment_id": "JF-2026-1",
        "assessment_status": data("status", "Complete"),
        "assessment_result": data("result", "Review"),
    }
    world.justifacts("assessment.status", {"success": True, "results": results})
    for days in (59, 1):
        clock.shift(timedelta(days=days))
        world.work()
    order.refresh_from_db()
    assert order.next_call == ""
    results["assessment_result"] = data("result", "Clear")
    world.justifacts("assessment.status", {"success": True, "results": results})
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert (order.result, order.next_call) == ("Clear", "")


@pytest.mark.parametrize("state", ["accepted", "cancelled", "rejected"])
def test_an_order_that_cannot_be_polled_is_not_changed(world: World, state: str) -> None:
    world.ashby_takes_everything()
    if state == "rejected":
        order = world.start()
        world.justifacts("assessment.start", {"message": "No."}, 422)
        make_next_call(order.pk)
    elif state == "cancelled":
        order = world.placed()
        world.justifacts("assessment.cancel", {"success": True, "results": {}})
        world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    else:
        order = world.start()
    order.refresh_from_db()
    assert order.status == state
    before = (*world.row_counts(), order.next_call, order.next_attempt_at)
    assert not poll_now(order.pk, "Ada")
    order.refresh_from_db()
    assert (*world.row_counts(), order.next_call, order.next_attempt_at) == before


@pytest.mark.parametrize("action", [retry, poll_now])
def test_an_unknown_order_is_an_error(db, action) -> None:
    with pytest.raises(Order.DoesNotExist):
        action("8a1f2b9e-0000-4000-8000-000000000000", "Ada")


def test_a_delivered_update_is_not_sent_again(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    world.justifacts("assessment.status", {}, 503)
    retry(order.pk, "Ada")
    world.work()
    assert len(world.delivered(order)) == 1
    assert set(AshbyUpdate.objects.values_list("state", flat=True)) == {"delivered"}
