"""Two workers alternate at every pause point of their work (after the lease, in the call, after the call,
after the commit), outlive their leases, and crash: no update is lost, duplicated or out of order."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from assessments.models import AshbyUpdate, Order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from assessments.tracking.poll import poll
from integrations.http import fencing
from tests.assessments.tracking.test_status_machine import OrderMachine
from tests.fixtures.fake_partners import WorkerDied

#: There is no pause point inside a transaction: the database keeps others out.
_PAUSE_POINTS = ("claimed", "called", "committed", "in the call")
_current = threading.local()


class PausedWorker:
    """A worker that pauses at each pause point until it is resumed."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopped, self._goes_on = threading.Event(), threading.Event()
        self._dies = False
        self.error: BaseException | None = None

    @property
    def is_idle(self) -> bool:
        return self._thread is None

    def begin(self, act: Callable[[], object]) -> None:
        """Works until the first pause point, or to the end."""
        self._thread = threading.Thread(target=self._work, args=(act, connections["default"]), daemon=True)
        self._stopped.clear()
        self._thread.start()
        self._wait()

    def resume(self, *, dies: bool = False) -> None:
        """Continues to the next pause point, or to the end."""
        if self._thread is None:
            return
        self._dies = dies
        self._stopped.clear()
        self._goes_on.set()
        self._wait()

    def _wait(self) -> None:
        assert self._stopped.wait(20), "a worker neither ends nor reaches a pause point"
        if self.error:
            raise self.error

    def _work(self, act: Callable[[], object], connection: Any) -> None:
        # One connection for all: only one of the threads runs at a time.
        connections["default"] = connection
        _current.worker = self
        try:
            act()
        except WorkerDied:
            pass
        except BaseException as error:  # noqa: BLE001 - the test's own thread raises it again
            self.error = error
        finally:
            del connections["default"]
            self._thread = None
            self._stopped.set()

    def pause(self) -> None:
        self._stopped.set()
        self._goes_on.wait()
        self._goes_on.clear()
        if self._dies:
            self._dies = False
            raise WorkerDied


def pause_point(name: str) -> None:
    worker = getattr(_current, "worker", None)
    if worker is not None and name.endswith(_PAUSE_POINTS):
        worker.pause()


class TwoWorkers(OrderMachine):
    """The order machine with two workers that can be paused."""

    def __init__(self) -> None:
        super().__init__()
        self.workers = PausedWorker(), PausedWorker()
        connections["default"].inc_thread_sharing()
        self.justifacts.meanwhile = self.ashby.meanwhile = lambda: pause_point("in the call")

    @rule(which=st.integers(0, 1), kind=st.integers(0, 2), choice=st.integers(0, 1))
    def a_worker_receives_a_task(self, which: int, kind: int, choice: int) -> None:
        """A task for any order, due or not, leased by the other worker or not: tasks come late and
        twice."""
        worker, orders = self.workers[which], list(Order.objects.order_by("-created_at")[:2])
        if worker.is_idle and orders:
            order = orders[choice % len(orders)].pk
            act = (make_next_call, deliver_next, lambda pk: poll([pk]))[kind]
            worker.begin(partial(act, order))

    @rule(which=st.integers(0, 1), pauses=st.integers(1, 4))
    def a_worker_continues(self, which: int, pauses: int) -> None:
        for _ in range(pauses):
            self.workers[which].resume()

    @rule(which=st.integers(0, 1))
    def a_worker_crashes(self, which: int) -> None:
        self.workers[which].resume(dies=True)

    @rule()
    def all_leases_expire_and_other_workers_take_over(self) -> None:
        """Long enough to be certain that Justifacts lacks the order, and to place it again."""
        self.time_passes(61)
        for _ in range(4):
            self.workers_work()
            self.time_passes(12)

    def teardown(self) -> None:
        try:
            for worker in self.workers:
                while not worker.is_idle:
                    worker.resume()
        finally:
            connections["default"].dec_thread_sharing()
            super().teardown()


@pytest.fixture
def machine_clock(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    """Pauses workers at the failpoints, and lets the lease follow the simulated clock."""
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    settings.LEASE_SECONDS = 60
    settings.FAILPOINT_HANDLER = pause_point
    monkeypatch.setattr(fencing, "boottime", lambda: timezone.now().timestamp())


@pytest.fixture
def workers(machine_clock, db) -> Iterator[TwoWorkers]:
    """One order, and two workers that can be paused."""
    life = TwoWorkers()
    life.ashby_starts("application-1")
    yield life
    life.teardown()


def test_a_stale_worker_does_not_place_an_order_that_was_placed_meanwhile(workers) -> None:
    workers.a_worker_receives_a_task(0, 0, 0)
    assert not workers.workers[0].is_idle, "it pauses with its lease, before it has sent anything"
    workers.all_leases_expire_and_other_workers_take_over()
    assert len(workers.justifacts.starts) == 1
    workers.workers[0].resume()
    assert len(workers.justifacts.starts) == 1


def test_a_stale_worker_sends_no_old_update(workers) -> None:
    workers.workers_work()
    workers.justifacts_moves_on(0, "Applicant Started", "Clear", 1)
    workers.a_worker_receives_a_task(0, 1, 0)
    assert not workers.workers[0].is_idle
    workers.all_leases_expire_and_other_workers_take_over()
    (story,) = workers.ashby.stories.values()
    delivered = len(story)
    workers.workers[0].resume()
    assert len(story) == delivered


def test_a_failure_of_a_stale_worker_changes_nothing(workers) -> None:
    """Ashby accepted the update and answered 500; meanwhile another worker delivered it."""
    workers.workers_work()
    workers.justifacts_moves_on(0, "Applicant Started", "Clear", 1)
    workers.ashby.mode = "500 after"
    workers.a_worker_receives_a_task(0, 1, 0)
    workers.a_worker_continues(0, 2)
    workers.ashby.mode = "ok"
    workers.all_leases_expire_and_other_workers_take_over()
    assert not workers.workers[0].is_idle
    workers.a_worker_continues(0, 2)
    assert workers.workers[0].is_idle
    assert set(AshbyUpdate.objects.values_list("state", "last_error")) == {("delivered", "")}


def test_only_one_of_two_workers_with_the_same_task_works(workers) -> None:
    for which in (0, 1):
        workers.a_worker_receives_a_task(which, 0, 0)
    assert [worker.is_idle for worker in workers.workers] == [False, True]


@pytest.mark.django_db
def test_no_interleaving_of_two_workers_loses_duplicates_or_reorders_anything(machine_clock) -> None:
    """Hypothesis searches for a counterexample."""
    run_state_machine_as_test(TwoWorkers, settings=_SETTINGS)


_SETTINGS = settings(
    max_examples=settings.default.max_examples * 2 // 3,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
