"""Placement with workers that crash, stall or race, and with pushes that overtake an answer."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
import time_machine
from django.utils import timezone

from assessments.models import CallAttempt, Order
from assessments.placement.next_call import leasable, make_next_call
from tests.fixtures.world import JUSTIFACTS, World, data

NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}


class WorkerDied(BaseException):
    """Ends the worker in the middle of a call."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def placing(world: World, meanwhile: Callable[[], object], ends: object = "JF-1") -> None:
    """Call ``meanwhile`` while Justifacts processes the start; then answer with a number or an HTTP status,
    or raise."""
    url = f"{JUSTIFACTS}assessment.start"

    def answer(request: requests.PreparedRequest) -> tuple[int, dict, str]:
        world.wire.remove(responses.POST, url)
        world.justifacts_takes("JF-AGAIN")
        meanwhile()
        if isinstance(ends, BaseException):
            raise ends
        if isinstance(ends, int):
            return ends, {}, json.dumps({"success": False, "message": "No."})
        return 200, {}, json.dumps({"success": True, "results": {"assessment_id": ends}})

    world.wire.add_callback(responses.POST, url, callback=answer)


def found(order: Order, number: str) -> dict:
    return {"success": True, "results": {"assessment_id": number, "reference_id": str(order.pk)}}


@pytest.mark.anywhere
@pytest.mark.parametrize("taken", [True, False])
def test_a_worker_crash_during_placement_leads_to_a_look_up(world, clock, settings, taken):
    world.ashby_takes_everything()
    order = world.start()
    placing(world, lambda: None, ends=WorkerDied())
    with pytest.raises(WorkerDied):
        make_next_call(order.pk)
    world.justifacts("assessment.status", found(order, "JF-1") if taken else NOT_FOUND)

    world.work()
    assert not world.sent("assessment.status"), "the lease is still valid"
    clock.shift(settings.LEASE_SECONDS)
    world.work()
    for _ in range(2):
        clock.shift(10)
        world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == ("JF-1" if taken else "JF-AGAIN")
    assert len(world.sent("assessment.start")) == (1 if taken else 2)
    assert order.events.filter(kind="placing_interrupted").count() == 1
    assert world.delivered(order) == ["Justifacts Received"]


def test_a_worker_crash_during_a_look_up_changes_nothing(world, clock, settings) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.work()
    clock.shift(2)

    def crash(request: requests.PreparedRequest) -> tuple[int, dict, str]:
        raise WorkerDied

    world.wire.add_callback(responses.POST, f"{JUSTIFACTS}assessment.status", callback=crash)
    with pytest.raises(WorkerDied):
        make_next_call(order.pk)
    world.justifacts("assessment.status", found(order, "JF-1"))
    clock.shift(settings.LEASE_SECONDS)
    world.work()
    order.refresh_from_db()
    assert (order.justifacts_order_id, len(world.sent("assessment.start"))) == ("JF-1", 1)


@pytest.mark.parametrize("ends", ["JF-1", 422, 503, 500, requests.ReadTimeout()], ids=str)
def test_a_worker_with_an_expired_lease_records_only_the_attempt(world: World, clock, settings, ends) -> None:
    """Another worker has linked the order to the same number meanwhile."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.status", found(order, "JF-1"))
    before: list[tuple] = []

    def sleep_past_the_lease() -> None:
        clock.shift(settings.LEASE_SECONDS + 1)
        world.work()
        before.append((*world.row_counts(), *state(order)))

    placing(world, sleep_past_the_lease, ends=ends)
    make_next_call(order.pk)
    assert (*world.row_counts(), *state(order)) == before[0]
    assert state(order)[:2] == ("received", "JF-1")
    calls = CallAttempt.objects.exclude(call="deliver").values_list("call", flat=True)
    assert sorted(calls) == ["look_up", "place"]
    assert world.delivered(order) == ["Justifacts Received"]


def state(order: Order) -> tuple:
    fields = (
        "status",
        "justifacts_order_id",
        "next_call",
        "next_attempt_at",
        "needs_attention",
        "lease_token",
    )
    return Order.objects.values_list(*fields).get(pk=order.pk)


@pytest.mark.anywhere
def test_a_late_acceptance_prevents_a_second_placement(world: World, clock, settings) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.status", NOT_FOUND)

    def sleep_past_the_lease() -> None:
        clock.shift(settings.LEASE_SECONDS + 1)
        world.work()
        assert state(order)[2] == "look_up"

    placing(world, sleep_past_the_lease, ends="JF-1")
    make_next_call(order.pk)
    assert state(order)[:3] == ("received", "JF-1", "poll")
    clock.shift(60)
    world.work()
    assert len(world.sent("assessment.start")) == 1


def test_two_numbers_for_one_order_need_attention(world: World, clock, settings) -> None:
    """The late answer and the look-up return different numbers, so two orders may exist."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.status", found(order, "JF-2"))

    def sleep_past_the_lease() -> None:
        clock.shift(settings.LEASE_SECONDS + 1)
        world.work()

    placing(world, sleep_past_the_lease, ends="JF-1")
    make_next_call(order.pk)
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-2"
    assert order.needs_attention
    assert "JF-2" in order.attention_reason
    assert "JF-1" in order.attention_reason


@pytest.mark.anywhere
def test_a_leased_order_is_not_processed_by_another_worker(world: World) -> None:
    order = world.start()
    seconds: list[bool] = []
    placing(world, lambda: seconds.append(make_next_call(order.pk)))
    assert make_next_call(order.pk)
    assert seconds == [False]
    assert len(world.sent("assessment.start")) == 1


@pytest.mark.parametrize("ends", ["JF-1", 422, 503, requests.ReadTimeout()], ids=str)
def test_a_push_that_overtakes_the_answer_links_the_order(world: World, clock, ends) -> None:
    """The order is neither refused nor placed again, whatever the answer is."""
    world.ashby_takes_everything()
    order = world.start()
    placing(world, lambda: world.push(order, "Applicant Started"), ends=ends)
    world.work()
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id, order.next_call) == (
        "applicant_started",
        "JF-2026-1",
        "poll",
    )
    assert world.delivered(order) == ["Justifacts Received", "Started", "Applicant Started"]
    assert len(world.sent("assessment.start")) == 1
    assert order.needs_attention == (ends == "JF-1")


def test_a_push_with_the_number_of_the_answer_needs_no_attention(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    placing(world, lambda: world.push(order, "Initiated"), ends="JF-2026-1")
    world.work()
    order.refresh_from_db()
    assert (order.status, order.needs_attention) == ("received", False)
    assert world.delivered(order) == ["Justifacts Received"]


def test_a_push_may_complete_an_order_before_the_answer_arrives(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    placing(
        world,
        lambda: world.push(order, "Complete", assessment_result=data("result", "Clear")),
        ends=requests.ReadTimeout(),
    )
    world.work()
    order.refresh_from_db()
    assert (order.status, order.result) == ("complete", "Clear")
    assert world.delivered(order) == ["Justifacts Received", "Complete"]


def test_a_push_resolves_an_unknown_placement(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", {"success": False, "errors": ["unknown_method"]}, 404)
    world.work()
    clock.shift(2)
    world.work()
    order.refresh_from_db()
    assert order.needs_attention
    world.push(order, "Initiated", assessment_id="JF-11")
    world.work()
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.status, order.needs_attention) == ("JF-11", "received", False)
    assert (len(world.sent("assessment.start")), len(world.sent("assessment.status"))) == (1, 1)


@pytest.mark.parametrize("taken", [True, False])
def test_a_worker_crash_after_an_hour_of_failures_leads_to_a_look_up(world, clock, settings, taken) -> None:
    """The reason for the attention stays true after the crash."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectTimeout())
    world.work()
    for wait in (15, 3601):
        clock.shift(wait)
        world.work()
    world.wire.remove(responses.POST, f"{JUSTIFACTS}assessment.start")
    placing(world, lambda: None, ends=WorkerDied())
    clock.shift(3600)
    with pytest.raises(WorkerDied):
        make_next_call(order.pk)
    world.justifacts("assessment.status", "", 503)
    clock.shift(settings.LEASE_SECONDS)
    world.work()
    order.refresh_from_db()
    assert not order.needs_attention, "one uncertain answer is not yet three"
    world.justifacts("assessment.status", found(order, "JF-AGAIN") if taken else NOT_FOUND)
    for wait in (settings.LEASE_SECONDS, 10):
        clock.shift(wait)
        world.work()
    order.refresh_from_db()
    assert (order.justifacts_order_id, order.needs_attention) == ("JF-AGAIN", False)


def test_a_worker_with_a_fast_clock_does_not_take_over_a_placement(world: World, clock, settings) -> None:
    """It looked for abandoned placements just before the other worker acquired its lease."""
    order = world.start()
    seconds: list[object] = []

    def ahead() -> None:
        now = timezone.now() + timedelta(seconds=10 * settings.LEASE_SECONDS)
        seconds.append(leasable(now).acquire([order.pk], now))

    placing(world, ahead)
    assert make_next_call(order.pk)
    assert seconds == [None]
    assert state(order)[:2] == ("received", "JF-1")


def test_a_lease_shorter_than_a_call_does_not_block_calls(world: World, settings) -> None:
    settings.LEASE_SECONDS = 5
    order = world.start()
    world.justifacts_takes("JF-1")
    assert make_next_call(order.pk)
    assert state(order)[:2] == ("received", "JF-1")
