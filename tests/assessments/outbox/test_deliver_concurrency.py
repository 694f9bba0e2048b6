"""Delivery with concurrent or slow workers, and with staff actions during a call."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from assessments.models import AshbyUpdate, CallAttempt, Order
from assessments.outbox.deliver import deliver_next
from assessments.support.retry import retry, skip_update
from assessments.workers.due import due_work
from tests.fixtures.world import World

pytestmark = pytest.mark.anywhere

URL = "https://ashby.test/assessment.update"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def meanwhile(world: World, act: Callable[[], object], status: int = 200) -> None:
    """``act`` happens while Ashby processes the first call; Ashby accepts the later calls."""

    def answer(request: object) -> tuple[int, dict, str]:
        world.ashby_takes_everything()
        act()
        return status, {}, '{"success": true, "results": {}}'

    world.wire.add_callback("POST", URL, callback=answer)


def head(order: Order) -> AshbyUpdate:
    return AshbyUpdate.objects.filter(order=order).order_by("sequence")[0]


def test_two_workers_deliver_an_update_once(world: World) -> None:
    seconds: list[object] = []
    order = world.placed()
    meanwhile(
        world,
        lambda: seconds.extend([deliver_next(order.pk), due_work(datetime.now(UTC)).deliveries]),
    )
    assert deliver_next(order.pk)
    assert seconds == [False, []]
    assert world.delivered(order) == ["Justifacts Received"]


def test_a_later_update_waits_for_the_one_in_flight(world: World) -> None:
    order = world.placed()

    def push_and_deliver() -> None:
        world.push(order, "In Process: Justifacts")
        assert not deliver_next(order.pk)

    meanwhile(world, push_and_deliver)
    world.work()
    assert world.delivered(order) == ["Justifacts Received", "In Process: Justifacts"]


@pytest.mark.parametrize("status", [200, 401, 422, 500])
def test_a_worker_with_an_expired_lease_records_only_the_attempt(
    world: World, clock, settings, status: int
) -> None:
    """Another worker has delivered the update meanwhile."""
    order = world.placed()
    before: list[tuple] = []

    def state() -> tuple:
        order.refresh_from_db()
        world.acme.connection.refresh_from_db()
        update = AshbyUpdate.objects.values_list("state", "attempt_count", "delivered_at", "last_error").get()
        return (*world.row_counts(), update, order.needs_attention, world.acme.connection.paused_at)

    def sleep_past_the_lease() -> None:
        clock.shift(settings.LEASE_SECONDS + 1)
        world.work()
        before.append(state())

    meanwhile(world, sleep_past_the_lease, status)
    deliver_next(order.pk)
    assert [state()] == before
    assert head(order).state == "delivered"
    assert CallAttempt.objects.filter(call="deliver").count() == 2


@pytest.mark.parametrize("status", [200, 500])
def test_an_update_in_flight_cannot_be_skipped(world: World, clock, status: int) -> None:
    """Ashby may be accepting it at this moment."""
    order = world.placed()
    answers: list[object] = []

    def act() -> None:
        answers.append(skip_update(head(order).pk, "Ada"))
        answers.append("update to Ashby" in str(retry(order.pk, "Ada")))

    meanwhile(world, act, status)
    deliver_next(order.pk)
    assert answers == [False, False]
    assert head(order).state == ("delivered" if status == 200 else "waiting")
    assert head(order).lease_token is None


def test_a_push_during_a_delivery_is_kept(world: World) -> None:
    """Both change the order; neither may overwrite the other."""
    order = world.placed()
    meanwhile(world, lambda: world.push(order, "Applicant Started"))
    deliver_next(order.pk)
    order.refresh_from_db()
    assert order.status == "applicant_started"
    assert world.waiting(order) == ["Started", "Applicant Started"]
    assert head(order).state == "delivered"


def test_an_organization_disabled_during_a_call_gets_no_further_updates(world: World) -> None:
    order = world.placed()
    world.push(order, "Applicant Started")

    def disable() -> None:
        world.acme.connection.is_enabled = False
        world.acme.connection.save()

    meanwhile(world, disable)
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]
    assert world.waiting(order) == ["Started", "Applicant Started"]
