"""What a person may set going again."""

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


def lines(order: Order, kind: str) -> list[str]:
    return list(order.events.filter(kind=kind).values_list("summary", flat=True))


def test_a_placing_that_waits_is_made_now(world: World) -> None:
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
    assert lines(order, "retried") == ["Ada asked to place the order now."]


def test_an_order_in_doubt_is_looked_up_and_never_placed_by_a_retry(world: World, clock) -> None:
    """A second start could buy a second background check."""
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


def test_what_waits_for_ashby_is_told_now_and_in_order(world: World, clock) -> None:
    world.ashby("assessment.update", {}, 429, headers={"Retry-After": "7200"})
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    world.ashby_takes_everything()
    world.justifacts("assessment.status", {}, 503)
    assert "send 3 pending updates to Ashby now" in retry(order.pk, "Ada")
    world.work()
    assert world.told(order)[1:] == ["Justifacts Received", "Started", "Applicant Started"]


def test_with_nothing_to_do_it_says_so_and_writes_nothing(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", {"message": "No."}, 422)
    world.work()
    before = world.written()
    assert retry(order.pk, "Ada") == []
    assert world.written() == before


def test_a_call_that_is_being_made_is_left_alone(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    done: list[list[str]] = []

    def answer(request: object) -> tuple[int, dict, str]:
        done.append(retry(order.pk, "Ada"))
        return 200, {}, '{"success": true, "results": {"assessment_id": "JF-1"}}'

    world.wire.add_callback(
        "POST", "https://justifacts.test/servlet/application_ashby/assessment.start", answer
    )
    make_next_call(order.pk)
    assert done == [[]]
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.next_call) == ("JF-1", "poll")


def test_a_paused_organization_stays_paused(world: World) -> None:
    """A retry of one order is not a working key."""
    world.ashby("assessment.update", {"success": False}, 403)
    order = world.placed()
    world.work()
    world.justifacts("assessment.status", {}, 503)
    retry(order.pk, "Ada")
    world.work()
    assert len(world.sent("assessment.update")) == 1


def test_a_person_asks_for_the_status_now(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    word = {"assessment_id": "JF-2026-1", "assessment_status": data("status", "In Process: Justifacts")}
    world.justifacts("assessment.status", {"success": True, "results": word})
    world.work()
    assert not world.sent("assessment.status")
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert order.status == "in_process"
    assert lines(order, "poll_asked") == ["Ada asked Justifacts for the status now."]


def test_a_completed_order_that_rests_can_be_asked_about(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("result", "Review"))
    word = {
        "assessment_id": "JF-2026-1",
        "assessment_status": data("status", "Complete"),
        "assessment_result": data("result", "Review"),
    }
    world.justifacts("assessment.status", {"success": True, "results": word})
    for _ in range(61):
        clock.shift(timedelta(days=1))
        world.work()
    order.refresh_from_db()
    assert order.next_call == ""
    word["assessment_result"] = data("result", "Clear")
    world.justifacts("assessment.status", {"success": True, "results": word})
    assert poll_now(order.pk, "Ada")
    world.work()
    order.refresh_from_db()
    assert (order.result, order.next_call) == ("Clear", "")


@pytest.mark.parametrize("state", ["accepted", "cancelled", "rejected"])
def test_there_is_nothing_to_ask_about(world: World, state: str) -> None:
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
    before = (*world.written(), order.next_call, order.next_attempt_at)
    assert not poll_now(order.pk, "Ada")
    order.refresh_from_db()
    assert (*world.written(), order.next_call, order.next_attempt_at) == before


@pytest.mark.parametrize("what", [retry, poll_now])
def test_an_order_that_is_not_there(db, what) -> None:
    with pytest.raises(Order.DoesNotExist):
        what("8a1f2b9e-0000-4000-8000-000000000000", "Ada")


def test_what_ashby_has_is_never_told_again(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    world.justifacts("assessment.status", {}, 503)
    retry(order.pk, "Ada")
    world.work()
    assert len(world.told(order)) == 1
    assert set(AshbyUpdate.objects.values_list("state", flat=True)) == {"delivered"}
