"""A process dies once at each failpoint while several orders run; other workers continue, and no update is
lost, duplicated or out of order."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from assessments import tasks
from assessments.models import Order
from integrations.failpoints import POINTS, failpoint
from tests.assessments.tracking.test_status_machine import OrderMachine
from tests.fixtures.fake_partners import WorkerDied


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stands in for a kill: the thread ends at once, and nothing catches the exception."""
    signals: list[int] = []

    def kill(pid: int, how: int) -> None:
        signals.append(how)
        raise WorkerDied

    monkeypatch.setattr(os, "kill", kill)
    return signals


@pytest.mark.django_db
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_a_failpoint_leaves_nothing_half_done(
    point: str, tmp_path: Path, settings, killed: list[int]
) -> None:
    settings.ASHBY_API_BASE_URL = "https://ashby.test"
    settings.FAILPOINTS_DIR = str(tmp_path)
    (tmp_path / point).touch()
    life = OrderMachine()
    try:
        _run_order(life)
        assert Order.objects.count() == 3
        assert not (tmp_path / point).exists(), "the point was never reached"
        assert len(killed) == 1
    finally:
        # Lets all work finish, and checks every order.
        life.teardown()


def _run_order(life: OrderMachine) -> None:
    """Runs three orders: one whose placement stays unknown for a while, one cancelled, one completed."""
    life.justifacts.mode = "cut after"
    _repeat_until_done(partial(life.ashby_starts, "application-1"))
    _work(life, 1, 15)
    life.justifacts.mode = "ok"
    for application in ("application-2", "application-3"):
        _repeat_until_done(partial(life.ashby_starts, application))
    _work(life, 16, 20, 70)
    for label in ("Applicant Started", "In Process: Justifacts"):
        # The first gets a push, the others are polled.
        for choice in range(3):
            pushes = 1 if choice == 0 else 0
            _repeat_until_done(partial(life.justifacts_moves_on, choice, label, "Clear", pushes))
        _work(life, 1, 400, 70)
    _repeat_until_done(partial(life.ashby_cancels, 1))
    _work(life, 1, 70)
    life.justifacts_moves_on(2, "Complete", "Clear", 0)
    _work(life, 4000, 70)
    _once(tasks.sweep)


def _work(life: OrderMachine, *waits: int) -> None:
    for seconds in waits:
        life.time_passes(seconds)
        if life.work_once():
            # Of a worker that died, and what the first work led to.
            life.work_once()


def _repeat_until_done(act: Callable[[], object]) -> None:
    """Calls again if the process died before it answered."""
    if not _once(act):
        act()


def _once(act: Callable[[], object]) -> bool:
    try:
        act()
    except WorkerDied:
        return False
    return True


def test_a_failpoint_does_nothing_in_production(settings, tmp_path: Path, killed: list[int]) -> None:
    settings.FAILPOINTS_DIR = ""
    for point in POINTS:
        failpoint(point)
    assert killed == []


def test_an_unknown_failpoint_is_an_error(settings, tmp_path: Path) -> None:
    """So the state machine and the test above visit every failpoint in the code."""
    settings.FAILPOINTS_DIR = str(tmp_path)
    with pytest.raises(ValueError, match="not in POINTS"):
        failpoint("somewhere.else")
