"""An organization with much work, or with a hanging partner, delays no other organization."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from assessments import tasks
from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.tracking.poll import BATCH
from assessments.workers import dispatch, due
from assessments.workers.dispatch import CALLS_IN_FLIGHT, Dispatcher
from assessments.workers.due import MOST_OF_ONE, due_deliveries, due_work
from assessments.workers.line import Line
from integrations.bulkhead import Bulkhead
from integrations.encryption.secrets import Secret, SecretUnreadable
from integrations.models import Connection
from tests.fixtures.statements import rows_read, sqlite_plan, statements
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
    due_work(timezone.now())
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]


def ignore(*_: Any) -> None:
    """Instead of enqueuing a delivery."""


class Hanging:
    """Work that hangs until it is released."""

    def __init__(self) -> None:
        self.ends = threading.Event()
        self.inside, self.most, self.done = 0, 0, list[Any]()
        self._lock = threading.Lock()

    def work(self, ids: list[Any], has_changed: Any) -> bool:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.ends.wait(10)
        with self._lock:
            self.inside -= 1
            self.done += ids
        return False


@contextmanager
def in_threads(number: int, target: Any, *arguments: Any) -> Iterator[list[threading.Thread]]:
    threads = [threading.Thread(target=target, args=arguments) for _ in range(number)]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.join()


def test_a_hanging_organization_occupies_only_its_own_slots() -> None:
    """Twenty tasks of the organization on twenty threads occupy only a few of them."""
    hanging, slots, done = Hanging(), Bulkhead(CALLS_IN_FLIGHT), list[Any]()
    tasks = dispatcher(hanging.work, slots=slots)
    with in_threads(20, tasks.do_at_once, 1, ["order"]) as threads:
        try:
            for thread in threads[CALLS_IN_FLIGHT:]:
                thread.join(0.05)
            assert sum(thread.is_alive() for thread in threads) == CALLS_IN_FLIGHT
            dispatcher(lambda ids, _: done.extend(ids) or False, slots=slots).do_at_once(2, ["other"])
            assert done == ["other"]
        finally:
            hanging.ends.set()
    assert hanging.most == CALLS_IN_FLIGHT
    assert len(hanging.done) == 20, "the slot holders do the work of those that found no slot"


def test_a_backlog_of_many_organizations_leaves_threads_to_new_work() -> None:
    """Only as many threads as the line allows take turns. They go on until every organization had one."""
    hanging, line = Hanging(), Line(2)
    tasks = dispatcher(hanging.work, line=line, next_due=lambda organization, _: [organization])
    for organization in (1, 2, 3, 4, 5, 1):
        line.join(organization)
    with in_threads(9, tasks.serve) as threads:
        try:
            for thread in threads[2:]:
                thread.join(0.05)
            assert sum(thread.is_alive() for thread in threads) == 2
        finally:
            hanging.ends.set()
    assert hanging.most == 2
    assert sorted(hanging.done) == [1, 2, 3, 4, 5]


def test_an_organization_that_has_more_work_waits_again_behind_the_others(monkeypatch) -> None:
    monkeypatch.setattr(dispatch, "TURN_SECONDS", 0.01)
    left, done, line = {1: 3, 2: 1, 3: 2}, list[int](), Line(1)

    def work(ids: list[Any], _: Any) -> bool:
        done.append(ids[0])
        left[ids[0]] -= 1
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        return True

    tasks = dispatcher(work, line=line, next_due=lambda one, _: [one] if left[one] else [])
    for organization in left:
        line.join(organization)
    tasks.serve()
    assert done == [1, 2, 3, 1, 3, 1]


def test_a_task_stops_after_a_while_so_that_what_was_received_meanwhile_comes_first(monkeypatch) -> None:
    monkeypatch.setattr(dispatch, "SERVE_SECONDS", 0.01)
    done, line = list[int](), Line(1)

    def work(ids: list[Any], _: Any) -> bool:
        done.extend(ids)
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        return False

    tasks = dispatcher(work, line=line, next_due=lambda organization, _: [organization])
    for organization in (1, 2, 3):
        line.join(organization)
    must_go_on = [tasks.serve() for _ in range(4)]
    assert must_go_on == [True, True, True, False]
    assert done == [1, 2, 3]


def test_work_that_finds_no_free_slot_is_done_by_a_slot_holder() -> None:
    done: list[list[Any]] = []

    def work(ids: list[Any], _: Any) -> bool:
        done.append(ids)
        if len(done) == 1:
            # Another task of the same organization finds no free slot.
            tasks.do_at_once(1, ["rejected"])
        return False

    tasks = dispatcher(work, slots=Bulkhead(1))
    tasks.do_at_once(1, ["first"])
    assert done == [["first"], ["rejected"]]


def dispatcher(
    work: Any, slots: Bulkhead | None = None, line: Line | None = None, next_due: Any = ignore
) -> Dispatcher:
    slots = slots or Bulkhead(CALLS_IN_FLIGHT)
    return Dispatcher("ashby", slots, work, next_due, line or Line(1), ignore, ignore)


@pytest.mark.django_db
def test_an_order_that_fails_each_time_does_not_delay_the_others_of_its_organization(world: World) -> None:
    """Its candidate's name cannot be decrypted, which is needed before it can be leased."""
    now = timezone.now()
    long_ago = now - timedelta(hours=2)
    dead = {"lease_token": uuid4(), "leased_until": now - timedelta(minutes=1)}
    broken = order_of(world.acme, 1, next_attempt_at=long_ago, **dead)
    broken.candidate_email = Secret(ciphertext=Fernet(Fernet.generate_key()).encrypt(b"a" * 60).decode())
    broken.save()
    order = world.start()
    world.justifacts_takes()
    with pytest.raises(SecretUnreadable):
        tasks.take_turns("justifacts", [str(order.pk)])
    assert Order.objects.values_list("justifacts_order_id", flat=True).get(pk=order.pk)
