"""Two workers take turns at every seam of their work (after the claim, in the middle of the call, after
the call, after the commit), sleep past the end of their claims, and die: nothing is ever lost, doubled
or told out of order."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from assessments.models import claims
from assessments.services import deliver, place, poll
from assessments.services.due import due
from integrations import crash_points, fence
from tests.assessments.sides import WorkerDied
from tests.assessments.test_status_machine import Life

pytestmark = pytest.mark.anywhere

#: Inside a transaction there is no seam: the database keeps others out.
_SEAMS = ("claimed", "called", "committed", "in the call")
_current = threading.local()


class Sleeper:
    """A worker that stops at each seam until it is told to go on."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopped, self._goes_on = threading.Event(), threading.Event()
        self._dies = False
        self.error: BaseException | None = None

    @property
    def is_idle(self) -> bool:
        return self._thread is None

    def begin(self, act: Callable[[], object]) -> None:
        """Works until the first seam, or to the end."""
        self._thread = threading.Thread(target=self._work, args=(act, connections["default"]), daemon=True)
        self._stopped.clear()
        self._thread.start()
        self._wait()

    def go_on(self, *, dies: bool = False) -> None:
        """To the next seam, or to the end."""
        if self._thread is None:
            return
        self._dies = dies
        self._stopped.clear()
        self._goes_on.set()
        self._wait()

    def _wait(self) -> None:
        assert self._stopped.wait(20), "a worker neither ends nor comes to a seam"
        if self.error:
            raise self.error

    def _work(self, act: Callable[[], object], connection: Any) -> None:
        # One connection for all: of the threads one runs at a time.
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

    def seam(self) -> None:
        self._stopped.set()
        self._goes_on.wait()
        self._goes_on.clear()
        if self._dies:
            self._dies = False
            raise WorkerDied


def _seam(name: str) -> None:
    worker = getattr(_current, "worker", None)
    if worker is not None and name.endswith(_SEAMS):
        worker.seam()


class TwoWorkers(Life):
    """The life of the one-worker machine, and two sleepers."""

    def __init__(self) -> None:
        super().__init__()
        self.workers = Sleeper(), Sleeper()
        connections["default"].inc_thread_sharing()
        self.justifacts.meanwhile = self.ashby.meanwhile = lambda: _seam("in the call")

    @rule(which=st.integers(0, 1), choice=st.integers(0, 8))
    def a_worker_begins(self, which: int, choice: int) -> None:
        worker = self.workers[which]
        found = due(timezone.now())
        acts: list[Callable[[], object]] = [
            *(lambda one=one: place.call_justifacts(one) for one in found.calls),
            *(lambda one=one: deliver.deliver_next(one) for one in found.lanes),
            *(lambda one=one: poll.poll(one) for one in found.polls),
        ]
        if worker.is_idle and acts:
            worker.begin(acts[choice % len(acts)])

    @rule(which=st.integers(0, 1), seams=st.integers(1, 4))
    def a_worker_goes_on(self, which: int, seams: int) -> None:
        for _ in range(seams):
            self.workers[which].go_on()

    @rule(which=st.integers(0, 1))
    def a_worker_dies(self, which: int) -> None:
        self.workers[which].go_on(dies=True)

    @rule()
    def all_claims_end(self) -> None:
        self.time_passes(61)

    def teardown(self) -> None:
        try:
            for worker in self.workers:
                while not worker.is_idle:
                    worker.go_on()
        finally:
            connections["default"].dec_thread_sharing()
            super().teardown()


@pytest.fixture
def machine_clock(monkeypatch: pytest.MonkeyPatch, settings, tmp_path) -> None:
    """Seams are the crash points, and the fence follows the machine's clock."""
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    settings.CLAIM_SECONDS = 60
    settings.CRASH_POINTS_DIR = str(tmp_path)
    monkeypatch.setattr(crash_points, "_die_if_asked", lambda file: _seam(file.name))
    for module in (fence, claims):
        monkeypatch.setattr(module, "uptime", lambda: timezone.now().timestamp())


@pytest.mark.django_db
def test_no_interleaving_of_two_workers_loses_doubles_or_reorders_anything(machine_clock) -> None:
    """Hypothesis looks for one."""
    run_state_machine_as_test(TwoWorkers, settings=_SETTINGS)


_SETTINGS = settings(
    max_examples=40,
    stateful_step_count=35,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
