"""The parts of a run on several hosts that need no host: its plan, and what it counts at the end."""

from itertools import pairwise

import pytest

from ..audit import Ledgers
from .hosts import HOSTS, WEB
from .plan import HOST_FAULTS, make_host_plan
from .restore import as_restored, late_updates
from .short import make_short_plan
from .starts import DATABASE, Attempt, Outage, Refused, refused_starts


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_hits_every_kind_of_host_and_no_host_twice_at_once(seed: int) -> None:
    planned = make_host_plan(seed, 60, dialects=True, restores=True)
    assert planned == make_host_plan(seed, 60, dialects=True, restores=True), "the seed determines it"
    faults = planned.plan.faults
    kinds = {fault.kind for fault in faults}
    of_hosts = {kind for kind, *_ in HOST_FAULTS}
    assert kinds >= of_hosts - {"cut from recovery log"}
    assert kinds >= {"rolling upgrade", "snapshot", "restart postgresql", "restart redis", "wipe broker"}
    for host in HOSTS:
        hits = sorted((f.at, f.at + f.seconds) for f in faults if f.target == host and f.kind in of_hosts)
        assert all(until < at for (_, until), (at, _) in pairwise(hits))


@pytest.mark.parametrize("seed", range(5))
def test_the_short_plan_leaves_a_web_host_and_loses_every_worker_host_in_turn(seed: int) -> None:
    planned = make_short_plan(seed, 12)
    assert planned == make_short_plan(seed, 12), "the seed determines it"
    kinds = [fault.kind for fault in planned.plan.faults]
    assert kinds == ["lose web host", "lose worker host", "cut from database"]
    web, lost, cut = (fault.target for fault in planned.plan.faults)
    assert web in WEB
    assert {lost, cut} == {name for name in planned.hosts if name.startswith("worker")}
    assert len(planned.plan.checks) == 12


def test_only_a_slow_refusal_is_blamed_on_a_slow_machine() -> None:
    slow, quick = Attempt(100, 103, 499, WEB), Attempt(100, 101, 503, WEB)
    assert refused_starts([slow, quick], [], WEB, patience=2.5) == Refused([quick], [], [], [slow])
    assert refused_starts([slow, quick], [], WEB) == Refused([slow, quick], [], [], [])


@pytest.mark.parametrize(
    ("status", "hosts", "outages", "where"),
    [
        (200, WEB, [], ""),
        (409, WEB, [], ""),
        (503, ("web2",), [], "unexcused"),
        (499, ("web2",), [("web1", 90, 110)], "unexcused"),
        (502, ("web1",), [("web1", 90, 110)], "cut_off"),
        (502, ("web1",), [("web1", 80, 97)], "cut_off"),
        (502, ("web1",), [("web1", 80, 90)], "unexcused"),
        (503, ("web1",), [(DATABASE, 99, 101)], "nowhere"),
        (502, (), [("web1", 90, 110), ("web2", 95, 120)], "nowhere"),
        (502, (), [("web1", 90, 110)], "unexcused"),
    ],
)
def test_a_start_is_excused_only_by_the_failure_of_its_own_host_or_of_everything(
    status: int, hosts: tuple[str, ...], outages: list[tuple[str, float, float]], where: str
) -> None:
    attempt = Attempt(100, 101, status, hosts)
    refused = refused_starts([attempt], [Outage(what, "", *times) for what, *times in outages], WEB)
    assert {name: found for name, found in vars(refused).items() if found} == (
        {where: [attempt]} if where else {}
    )


def test_updates_between_the_snapshot_and_the_restore_count_once() -> None:
    """Ashby has A, B and C. The snapshot knows that A was delivered, and B was waiting. After the restore the
    portal repeats B unchanged, and sends C as D, with a new timestamp."""
    a, b, c, d = ({"timestamp": number} for number in range(4))
    order = {"updates": [{"payload": update, "state": "delivered"} for update in (a, b, d)]}
    story, marks = {"order": [a, b, c, d]}, {"order": (3, [a])}
    ledgers = Ledgers(accepted={}, taken={}, stories=story, orders={"order": order}, paused={})
    assert as_restored(ledgers, marks) == {"order": [a, b, d]}
    assert late_updates(story, marks) == []
    assert late_updates({"order": [a, b, d, c]}, marks) == ["order"]
