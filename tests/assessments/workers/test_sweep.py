"""Tasks make work prompt; the sweep makes it certain."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from kombu import Connection as Broker

from assessments import tasks
from assessments.models import Heartbeat, Order
from assessments.workers.due import due_work
from config.celery import app
from integrations.background import broker_is_reachable
from integrations.connections.pauses import PROBE_EVERY
from integrations.models import Connection
from tests.assessments.outbox.pausing import paused
from tests.fixtures.world import World, data

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def broken_broker(tmp_path) -> Iterator[None]:
    """A broker at whose socket nothing listens."""
    _broker(f"redis+socket://{tmp_path}/nobody.sock")
    yield
    _broker("memory://")
    # Ends the cooldown after a failed publish, for the tests that follow.
    assert broker_is_reachable()


@pytest.fixture
def silent_broker() -> Iterator[None]:
    """A broker that accepts connections and never answers, as behind a network that lost it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _broker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        yield
    _broker("memory://")
    assert broker_is_reachable()


def _broker(url: str) -> None:
    app.conf.broker_url = url
    # The connections that Celery opened to the previous broker.
    app._pool = app.amqp._producer_pool = None


@pytest.fixture
def queue() -> Iterator["Messages"]:
    with Broker("memory://") as broker, broker.SimpleQueue("celery") as simple:
        simple.clear()
        yield Messages(simple)
        simple.clear()


class Messages:
    """The published tasks, as (task, arguments)."""

    def __init__(self, simple) -> None:
        self.simple = simple

    def take(self) -> list[tuple[str, list]]:
        taken = []
        while True:
            try:
                message = self.simple.get_nowait()
            except self.simple.Empty:
                return taken
            message.ack()
            taken.append((message.headers["task"].rsplit(".", 1)[1], list(message.payload[0])))


def test_the_sweep_finds_every_kind_of_due_work(
    world: World, clock, queue, django_capture_on_commit_callbacks
) -> None:
    world.ashby_takes_everything()
    polled = world.placed("JF-1")
    world.work()
    clock.shift(timedelta(hours=1))
    delivered = world.placed("JF-2")
    placed = world.start()
    queue.take()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert sorted(queue.take()) == sorted(
        [
            ("take_turns", ["poll", [str(polled.pk)]]),
            ("take_turns", ["ashby", [str(delivered.pk)]]),
            ("take_turns", ["justifacts", [str(placed.pk)]]),
        ]
    )


def test_only_one_of_two_schedulers_runs_a_tick(
    world: World, clock, queue, django_capture_on_commit_callbacks
) -> None:
    order = world.start()
    queue.take()
    for expected in (1, 0):
        with django_capture_on_commit_callbacks(execute=True):
            tasks.sweep()
        assert len(queue.take()) == expected
    clock.shift(2)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert queue.take() == [("take_turns", ["justifacts", [str(order.pk)]])]
    assert Heartbeat.objects.get(name="worker").at == NINE + timedelta(seconds=2)


def test_a_clock_that_was_ahead_does_not_stop_the_sweep(
    world: World, clock, queue, django_capture_on_commit_callbacks
) -> None:
    """The acquired tick is in the future: without a correction nothing would be swept until then."""
    clock.shift(timedelta(hours=5))
    tasks.sweep()
    clock.move_to(NINE)
    world.start()
    queue.take()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert len(queue.take()) == 1


def test_tasks_carry_only_ids(world: World, queue, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        order = world.start()
        tasks.sweep()
    for task, arguments in queue.take():
        kind = ["justifacts"] if task == "take_turns" else []
        assert arguments == [*kind, [str(order.pk)] if kind else str(order.pk)]


def test_the_sweep_enqueues_nothing_if_nothing_is_due(
    world: World, queue, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert queue.take() == []
    assert not any(vars(due_work(datetime.now(UTC))).values())


@pytest.mark.anywhere
def test_the_tasks_do_the_work_that_the_sweep_found(world: World, clock) -> None:
    """Runs the tasks in this process, in the order in which a worker might."""
    world.ashby_takes_everything()
    world.justifacts_takes("JF-1")
    order = world.start()
    tasks.call_justifacts(str(order.pk))
    label = {"assessment_id": "JF-1", "assessment_status": data("status", "Applicant Started")}
    world.justifacts("assessment.status", {"success": True, "results": label})
    clock.shift(timedelta(hours=1))
    tasks.poll([str(order.pk)])
    tasks.deliver(str(order.pk))
    tasks.take_turns("ashby", [str(order.pk)])
    assert world.delivered(order) == ["Justifacts Received", "Started", "Applicant Started"]


def test_a_start_is_accepted_without_the_broker(
    world: World, broken_broker, caplog, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    """Publishing is skipped for 30 s, so that no request waits for a broken broker again."""
    with django_capture_on_commit_callbacks(execute=True):
        order = world.start()
    assert Order.objects.get() == order
    assert len(warnings(caplog)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        second = world.start()
    assert len(warnings(caplog)) == 1, "cooldown: publishing is not even tried"
    later = time.monotonic() + 31
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with django_capture_on_commit_callbacks(execute=True):
        world.start()
    assert len(warnings(caplog)) == 2

    world.ashby_takes_everything()
    world.justifacts_takes("JF-1")
    assert {order.pk, second.pk} <= set(due_work(datetime.now(UTC)).calls), "the sweep finds them"


def test_a_start_waits_only_as_long_as_it_may_for_a_broker_that_never_answers(
    world: World, silent_broker, caplog, settings, django_capture_on_commit_callbacks
) -> None:
    """A worker may wait five seconds for the broker. Ashby has given up the start by then."""
    settings.PUBLISH_LIMITS = {"socket_timeout": 0.1, "socket_connect_timeout": 0.1}
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        world.start()
    assert time.monotonic() - began < 4
    assert len(warnings(caplog)) == 1


def test_tasks_are_published_again_once_the_broker_answers(
    world: World, broken_broker, queue, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        world.start()
    _broker("memory://")
    assert broker_is_reachable()
    with django_capture_on_commit_callbacks(execute=True):
        order = world.start()
    assert queue.take() == [("call_justifacts", [str(order.pk)])]


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if "broker away" in record.getMessage()]


def test_the_probe_that_a_sweep_finds_is_sent_and_resumes_the_deliveries(
    world: World, clock, queue, django_capture_on_commit_callbacks
) -> None:
    orders = paused(world)
    world.ashby_takes_everything()
    clock.shift(PROBE_EVERY)
    queue.take()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    for name, arguments in queue.take():
        getattr(tasks, name)(*arguments)
    assert not Connection.objects.get(organization=world.acme.organization).paused_at
    assert [world.waiting(order) for order in orders] == [[] for _ in orders]
