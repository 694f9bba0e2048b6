"""An organization with much work, or with a hanging partner, delays no other organization."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.tracking.poll import BATCH
from assessments.workers import due
from assessments.workers.dispatch import CALLS_IN_FLIGHT, Dispatcher
from assessments.workers.due import MOST_OF_ONE, due_deliveries, due_work
from integrations.bulkhead import Bulkhead
from integrations.models import Connection
from tests.fixtures.plans import rows_read, sqlite_plan, statements
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
        order=order,
        organization_id=order.organization_id,
        sequence=1,
        timestamp=1,
        payload={},
        summary="Received",
        next_attempt_at=next_attempt_at,
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


@pytest.mark.anywhere
def test_the_next_sweep_continues_with_the_organizations_after_those_of_the_last(
    world: World, monkeypatch
) -> None:
    """However much one organization has, and without a start from the beginning each time."""
    monkeypatch.setattr(due, "MOST", 1)
    orders = [
        order_of(tenant, number, next_call=PendingCall.PLACE, next_attempt_at=timezone.now())
        for tenant in (world.acme, world.globex)
        for number in range(2)
    ]
    Order.objects.bulk_create(orders)
    owners = dict(Order.objects.values_list("pk", "organization__slug"))
    sweeps = [{owners[order] for order in due_work(timezone.now()).calls} for _ in range(5)]
    assert [each for each in sweeps if each] == [{"acme"}, {"globex"}, {"acme"}, {"globex"}]


@pytest.mark.anywhere
def test_a_sweep_reads_a_few_rows_of_each_organization_and_none_of_a_blocked_one(world: World) -> None:
    now = timezone.now()
    for tenant, count in ((world.acme, 700), (world.globex, 400)):
        places = [
            order_of(tenant, n, next_call=PendingCall.PLACE, next_attempt_at=now - timedelta(hours=1))
            for n in range(count)
        ]
        polls = [
            order_of(tenant, count + n, next_call=PendingCall.POLL, next_attempt_at=now) for n in range(count)
        ]
        Order.objects.bulk_create(places + polls)
        AshbyUpdate.objects.bulk_create(waiting(order, now) for order in polls)
    connections = Connection.objects.filter(organization=world.acme.organization)
    later = now + timedelta(minutes=1)
    blocked = {"ashby_blocked_until": later, "justifacts_blocked_until": later}
    disabled, paused = {"is_enabled": False}, {"paused_at": now, "pause_reason": "401", "probe_at": later}
    tables = [model._meta.db_table for model in (Order, AshbyUpdate)]

    def sweep() -> None:
        due_work(timezone.now())

    if connection.vendor == "sqlite":
        plans = {step for sql, params in statements(sweep) for step in sqlite_plan(sql, params)}
        for index in ("orders_to_call", "orders_to_poll", "updates_to_deliver"):
            assert any(f"INDEX {index} (organization_id=? AND next_attempt_at<?" in step for step in plans)
        return
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ANALYZE {table}")
        # Few rows are read at once more quickly than by an index.
        cursor.execute("SET LOCAL enable_seqscan = off")
    both = rows_read(sweep, tables)
    connections.update(**blocked)
    one = rows_read(sweep, tables)
    # Each first row is found and read, and some more of each, since there are few organizations. Of an update
    # the earlier ones are read too.
    assert one * 2 == both <= 2 * (3 * 2 + 2 * MOST_OF_ONE + BATCH + 1 + MOST_OF_ONE + 1)
    connections.update(**dict.fromkeys(blocked), **disabled)
    assert rows_read(sweep, tables) == one
    connections.update(is_enabled=True, **paused)
    assert one < rows_read(sweep, tables) < both
    assert rows_read(lambda: due_deliveries(world.acme.organization.pk, now), tables) == 0


@pytest.mark.anywhere
def test_an_update_that_the_version_before_wrote_is_delivered(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    AshbyUpdate.objects.update(organization=None)
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]


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
