"""An organization with much work, or with a hanging partner, delays no other organization."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.workers.dispatch import CALLS_IN_FLIGHT, Dispatcher
from assessments.workers.due import MOST_OF_ONE, due_work
from integrations.bulkhead import Bulkhead
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def order_of(tenant: Any, number: int, **fields: Any) -> Order:
    return Order(
        organization=tenant.organization,
        package=tenant.basic,
        application_id=f"{tenant.organization.slug}-{number}",
        job_id="job",
        candidate_first_name="Zoë",
        candidate_last_name="O'Neil",
        candidate_email="zoe@example.com",
        **fields,
    )


def waiting(order: Order, next_attempt_at: datetime) -> AshbyUpdate:
    return AshbyUpdate(
        order=order, sequence=1, timestamp=1, payload={}, summary="Received", next_attempt_at=next_attempt_at
    )


@pytest.mark.anywhere
@pytest.mark.django_db
def test_older_work_of_one_organization_does_not_delay_anothers_first_order(world: World) -> None:
    now = timezone.now()
    long_ago = now - timedelta(hours=2)
    many = Order.objects.bulk_create(
        order_of(world.acme, n, next_call=PendingCall.PLACE, next_attempt_at=long_ago) for n in range(3000)
    )
    AshbyUpdate.objects.bulk_create(waiting(order, long_ago) for order in many)
    one = order_of(world.globex, 1, next_call=PendingCall.PLACE, next_attempt_at=now)
    one.save()
    waiting(one, now).save()
    found = due_work(timezone.now())
    for ids in (found.calls, found.deliveries):
        assert one.pk in ids[:2]
        assert len(ids) == MOST_OF_ONE + 1
    Order.objects.update(next_call=PendingCall.POLL)
    batches = due_work(timezone.now()).polls
    assert [one.pk] in batches
    assert len(batches) == 2


class Hanging:
    """Work that hangs for one organization, and finishes at once for the others."""

    def __init__(self, organization: int) -> None:
        self.organization, self.ends = organization, threading.Event()
        self.inside, self.most, self.done = 0, 0, 0
        self._lock = threading.Lock()

    def dispatcher(self, organization: int) -> Dispatcher:
        def do(ids: list[Any]) -> bool:
            if organization != self.organization:
                self.done += 1
                return False
            with self._lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            assert self.ends.wait(10)
            with self._lock:
                self.inside -= 1
            return False

        return Dispatcher("justifacts", self.slots, do, lambda organization, now: [], lambda ids: None)

    slots = Bulkhead(CALLS_IN_FLIGHT)


def test_a_hanging_organization_occupies_only_its_own_slots() -> None:
    """Twenty tasks of the organization on twenty threads occupy only a few of them."""
    hanging = Hanging(1)
    threads = [
        threading.Thread(target=hanging.dispatcher(1).run_organization, args=(1, ["order"]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads[CALLS_IN_FLIGHT:]:
            thread.join(0.05)
        assert sum(thread.is_alive() for thread in threads) == CALLS_IN_FLIGHT
        hanging.dispatcher(2).run_organization(2, ["order"])
        assert hanging.done == 1
    finally:
        hanging.ends.set()
        for thread in threads:
            thread.join()
    assert hanging.most == CALLS_IN_FLIGHT


def test_work_that_finds_no_free_slot_is_done_by_a_slot_holder() -> None:
    done: list[list[Any]] = []

    def work(ids: list[Any]) -> bool:
        done.append(ids)
        if len(done) == 1:
            # Another task of the same organization finds no free slot.
            assert dispatcher.run_organization(1, ["rejected"]) == []
        return False

    dispatcher = Dispatcher("ashby", Bulkhead(1), work, lambda organization, now: ["late"], lambda ids: None)
    dispatcher.run_organization(1, ["first"])
    assert done == [["first"], ["late"]]
