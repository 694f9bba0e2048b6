"""The plan of a run on several hosts, made from its seed: the checks and the failures of the partners of
every run, and the faults of hosts."""

import random
from dataclasses import dataclass, replace

from ..plan import Fault, Plan, make_plan
from .hosts import HOSTS, SCHEDULERS, WEB, WORKERS

_OTHERS = (*WORKERS, *SCHEDULERS)
#: The faults of hosts: the kind, the hosts that it may hit, and the least and greatest number of seconds.
HOST_FAULTS: tuple[tuple[str, tuple[str, ...], float, float], ...] = (
    ("lose web host", WEB, 4, 12),
    ("lose worker host", WORKERS, 4, 20),
    ("lose scheduler host", SCHEDULERS, 4, 20),
    ("cut from database", WEB, 4, 12),
    ("cut from database", _OTHERS, 4, 20),
    ("cut from redis", WEB, 4, 12),
    ("cut from redis", _OTHERS, 4, 20),
    ("cut from recovery log", WEB, 4, 8),
    ("cut from ashby", WORKERS, 4, 20),
    ("cut from justifacts", WORKERS, 4, 20),
    ("slow link", WEB, 6, 10),
    ("slow link", _OTHERS, 8, 20),
    ("clock off", HOSTS, 10, 30),
)
#: The kinds of the plan for one machine that a run on several hosts has as well.
_KEPT = ("ashby", "justifacts", "rotate", "stop", "failpoint", "sleep")
#: How long one round of ``HOST_FAULTS`` takes.
_ROUND_SECONDS = 60.0
_LEAST_SECONDS = 60.0
_CLOCK_OFF_SECONDS = 30.0


@dataclass(frozen=True)
class HostPlan:
    """``restores``: at the end the database is restored to its state of a third of the run. ``is_short``: no
    upgrade, and no start counts as refused because it took long: the machine may be slow."""

    plan: Plan
    restores: bool
    hosts: tuple[str, ...] = HOSTS
    is_short: bool = False


def make_host_plan(seed: int, orders: int, *, dialects: bool, restores: bool) -> HostPlan:
    """Make the plan. Two faults never hit one host at once."""
    rng = random.Random(f"hosts/{seed}")  # nosec B311 # noqa: S311 - reproducible; not for secrets
    base = make_plan(seed, orders, "services", dialects)
    seconds = max(_LEAST_SECONDS, orders * 0.5)
    stretch = seconds / base.seconds
    checks = tuple(replace(check, at=check.at * stretch) for check in base.checks)
    kept = [
        replace(fault, at=fault.at * stretch, target=_on_a_host(rng, fault))
        for fault in base.faults
        # In a web process they would end starts that are being answered.
        if fault.kind.startswith(_KEPT) and not (fault.kind == "stop" and fault.target == "web child")
        if not (fault.kind == "failpoint" and fault.target.startswith(("start", "push")))
    ]
    faults = [*kept, *_host_faults(rng, seconds, restores), *_machine_faults(rng, seconds)]
    faults.append(Fault(seconds * 0.45, "rolling upgrade"))
    if restores:
        faults.append(Fault(seconds / 3, "snapshot"))
    ordered = tuple(sorted(faults, key=lambda fault: fault.at))
    return HostPlan(Plan(seed, seconds, checks, ordered, base.dialects, step_tries=20), restores)


def _on_a_host(rng: random.Random, fault: Fault) -> str:
    return rng.choice(WORKERS) if fault.kind == "stop" else fault.target


def _host_faults(rng: random.Random, seconds: float, restores: bool) -> list[Fault]:
    """Every row of ``HOST_FAULTS`` once a round, at random times, if a host is free."""
    faults: list[Fault] = []
    busy: list[tuple[str, float, float]] = []
    for _ in range(max(1, round(seconds / _ROUND_SECONDS))):
        for kind, targets, least, most in HOST_FAULTS:
            if restores and kind == "cut from recovery log":
                continue  # What is accepted meanwhile is not in the recovery log (docs/backup.md).
            for _try in range(100):
                at, lasts, target = rng.uniform(0, seconds), rng.uniform(least, most), rng.choice(targets)
                if all(target != one or at > until or at + lasts < since for one, since, until in busy):
                    busy.append((target, at - 5, at + lasts + 5))
                    details: dict[str, object] = {}
                    if kind == "clock off":
                        details["offset"] = rng.choice([-_CLOCK_OFF_SECONDS, _CLOCK_OFF_SECONDS])
                    faults.append(Fault(at, kind, target, lasts, details))
                    break
    return faults


def _machine_faults(rng: random.Random, seconds: float) -> list[Fault]:
    faults = []
    for kind, every in (("restart postgresql", 60), ("restart redis", 60), ("wipe broker", 20)):
        faults += [Fault(rng.uniform(0, seconds), kind) for _ in range(max(1, round(seconds / every)))]
    return faults
