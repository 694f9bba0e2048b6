"""Concurrent calls, each with its own connection to PostgreSQL."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone
from requests import PreparedRequest

from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.orders.transaction import locked_order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from assessments.support.retry import retry
from assessments.tracking.poll import poll
from integrations.catalog.mapping import map_job, set_default_package
from integrations.catalog.sync import SyncResult, sync_jobs, sync_packages
from integrations.connections.api_keys import add_ashby_key
from integrations.connections.circuit_breaker import OPENS_AFTER, allow_request
from integrations.connections.endpoints import Endpoint
from integrations.models import Connection, Job, Package
from tests.e2e.portal.processes import eventually
from tests.fixtures.servers.services import on_postgresql
from tests.fixtures.world import ASHBY, JUSTIFACTS, World, basic, data

pytestmark = [pytest.mark.anywhere, on_postgresql, pytest.mark.django_db(transaction=True)]

MANY = 8


def run_concurrently(*acts: Callable[[], Any]) -> list[Any]:
    """Start all functions at the same moment and return their results."""
    ready, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int) -> None:
        ready.wait(10)
        try:
            answers[number] = acts[number]()
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_concurrent_workers_place_an_order_once(world: World) -> None:
    order = world.start()
    world.justifacts_takes("JF-1")
    answers = run_concurrently(*[lambda: make_next_call(order.pk)] * MANY)
    assert answers.count(True) == 1
    assert len(world.sent("assessment.start")) == 1


def test_concurrent_workers_deliver_an_update_once(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    answers = run_concurrently(*[lambda: deliver_next(order.pk)] * MANY)
    assert answers.count(True) == 1
    assert len(world.sent("assessment.update")) == 1


def test_concurrent_identical_starts_create_one_order(world: World) -> None:
    body = world.start_body()

    def click() -> tuple[int, str]:
        answer = Client().post(
            "/ashby/assessment.start",
            body,
            content_type="application/json",
            HTTP_AUTHORIZATION=basic(world.acme.verification_key),
        )
        return answer.status_code, answer.json()["results"]["assessment_id"]

    answers = run_concurrently(*[click] * MANY)
    assert len(set(answers)) == 1
    assert answers[0][0] == 200
    assert Order.objects.count() == 1


@pytest.mark.parametrize("status", ["received", "complete"])
def test_concurrent_repeats_of_a_lost_start_get_the_first_answer(world: World, status: str) -> None:
    """The outbox delivers the waiting updates after the first answer. Had Ashby accepted them before, it
    would know the order, and a start after that would be a new one."""
    answered = threading.Event()
    body = world.start_body()
    first = world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"]
    world.ashby("assessment.update", {"success": False, "errors": ["assessment_not_found"]})
    world.justifacts_takes()
    world.justifacts("assessment.status", {}, 503)
    world.work()
    order = Order.objects.get()
    if status == "complete":
        world.push(order, "Complete", assessment_result=data("result", "Clear"))
    Order.objects.update(created_at=timezone.now() - timedelta(hours=1))
    world.ashby_takes_everything()

    def click() -> tuple[int, str]:
        answer = Client().post(
            "/ashby/assessment.start",
            body,
            content_type="application/json",
            HTTP_AUTHORIZATION=basic(world.acme.verification_key),
        )
        answered.set()
        return answer.status_code, answer.json()["results"]["assessment_id"]

    def deliver_all() -> None:
        answered.wait(30)
        AshbyUpdate.objects.update(next_attempt_at=timezone.now())
        while deliver_next(order.pk):
            AshbyUpdate.objects.filter(state=AshbyUpdate.State.WAITING).update(next_attempt_at=timezone.now())

    answers = run_concurrently(*[click] * MANY, deliver_all)
    assert set(answers[:-1]) == {(200, first)}
    assert Order.objects.count() == 1


def test_a_concurrent_push_poll_and_cancel_agree_on_one_outcome(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    results = {"assessment_id": "JF-2026-1", "assessment_status": data("s", "Applicant Started")}
    world.justifacts("assessment.status", {"success": True, "results": results})
    world.justifacts("assessment.cancel", {"success": True, "results": {}})
    Order.objects.update(next_call=PendingCall.POLL, next_attempt_at=timezone.now())
    world.client = Client()
    run_concurrently(
        lambda: world.push(order, "Applicant Started"),
        lambda: poll([order.pk]),
        lambda: world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)}),
        lambda: world.push(order, "Applicant Started"),
    )
    world.work()
    delivered = world.delivered(order)
    assert delivered[-1] == "Cancelled in Ashby"
    assert all(delivered.count(label) <= 1 for label in delivered)
    updates = list(AshbyUpdate.objects.filter(order=order).order_by("sequence"))
    assert [one.sequence for one in updates] == list(range(1, len(updates) + 1))
    assert Order.objects.get(pk=order.pk).status == "cancelled"


def test_a_retry_during_a_delivery_sends_the_update_once(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    run_concurrently(
        lambda: deliver_next(order.pk),
        lambda: retry(order.pk, "Ada"),
        lambda: deliver_next(order.pk),
    )
    world.work()
    assert world.delivered(order) == ["Justifacts Received"]


def test_selecting_a_key_while_the_old_one_is_refused_pauses_nothing(world: World) -> None:
    """The refusal arrives before the admin's selection is committed."""
    order, refused, chosen = world.placed(), threading.Event(), threading.Event()

    def answer_403(_request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        refused.set()
        assert chosen.wait(10)
        return 403, {}, '{"success": false}'

    def choose() -> None:
        assert refused.wait(10)
        with transaction.atomic():
            add_ashby_key(world.acme.connection, "ashby-acme-the-next-one", who="Ada")
            chosen.set()
            eventually(_a_session_waits_for_a_lock, "the worker waits for the choice", 10)

    world.wire.add_callback("POST", f"{ASHBY}/assessment.update", answer_403)
    run_concurrently(lambda: deliver_next(order.pk), choose)
    assert Connection.objects.get(pk=world.acme.connection.pk).paused_at is None
    assert order.updates.get().state == "waiting"


def test_only_one_caller_probes_a_failing_endpoint(world: World) -> None:
    now = timezone.now()
    Connection.objects.update(justifacts_failures=OPENS_AFTER, justifacts_blocked_until=now)
    connection = Connection.objects.get(pk=world.acme.connection.pk)
    answers = run_concurrently(*[lambda: allow_request(connection, Endpoint.JUSTIFACTS, now)] * MANY)
    assert answers.count(True) == 1


def test_polling_threads_close_their_database_connections(world: World) -> None:
    """Otherwise each worker would hold 64 connections, which fail for good after a restart of
    PostgreSQL."""
    world.ashby_takes_everything()
    orders = [world.placed(f"JF-{number}") for number in range(MANY)]
    long_ago = timezone.now() - timedelta(hours=1)
    Connection.objects.update(verification_key_last_used_at=long_ago)
    before = _connections()
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": "JF-0"}})
    Order.objects.update(next_call=PendingCall.POLL, next_attempt_at=timezone.now())
    poll([order.pk for order in orders])
    assert _connections() == before
    assert Connection.objects.get(pk=world.acme.connection.pk).verification_key_last_used_at > long_ago


def test_a_batch_of_polls_leaves_out_an_order_that_another_transaction_has_locked(world: World) -> None:
    """That transaction may want a row of the batch next, as when it records the answers of a batch whose
    lease has expired: a deadlock."""
    world.ashby_takes_everything()
    first, second = world.placed("JF-1"), world.placed("JF-2")
    world.justifacts("assessment.status", {"success": True, "results": {}})
    Order.objects.update(next_call=PendingCall.POLL, next_attempt_at=timezone.now())
    with locked_order(second.pk):
        run_concurrently(lambda: poll([first.pk, second.pk]))
        assert [body["assessment_id"] for body in world.sent("assessment.status")] == ["JF-1"]


@pytest.mark.parametrize("sync", [sync_packages, sync_jobs])
def test_concurrent_list_fetches_are_written_once(world: World, sync: Callable[..., SyncResult]) -> None:
    """Every fetch has the list before the first one writes it; meanwhile an admin maps a job and sets the
    default package."""
    organization, together = world.acme.organization, threading.Barrier(MANY)

    def answers(_request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        together.wait(10)
        names = {"name": "One", "title": "One"}
        results = [{"assessment_type_id": f"P-{n}", "id": f"job-{n}", **names} for n in range(50)]
        return 200, {}, json.dumps({"success": True, "results": results})

    world.wire.add_callback("POST", f"{JUSTIFACTS}assessment.list", answers)
    world.wire.add_callback("POST", f"{ASHBY}/job.list", answers)
    fetches: list[Callable[[], Any]] = [lambda: sync(world.acme.connection)] * MANY
    found = run_concurrently(
        *fetches,
        lambda: set_default_package(organization, world.acme.basic),
        lambda: map_job(organization, "job-7", world.acme.basic),
        lambda: map_job(organization, "job-8", world.acme.basic),
    )[:MANY]
    assert [type(each) for each in found] == [SyncResult] * MANY
    assert Package.objects.filter(organization=organization, justifacts_id__startswith="P-").count() == (
        50 if sync is sync_packages else 0
    )
    assert Job.objects.count() == (50 if sync is sync_jobs else 2)
    assert Package.objects.get(is_default=True) == world.acme.basic


def _a_session_waits_for_a_lock() -> bool:
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def _connections() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
