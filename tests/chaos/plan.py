"""The plan of a run, made from its seed before anything starts."""

import random
from dataclasses import dataclass, field, replace

from integrations.failpoints import POINTS

from .dialects import PlannedDialect, draw_dialects

ORGANIZATIONS = 6
LEASE_SECONDS = 20
_SHORT_SECONDS = 12.0
#: The steps of a check at Justifacts.
STEPS = ("Applicant Started", "In Process: Justifacts", "Complete")
RESULTS = ("Clear", "Review", "Adverse")

#: The failure switches of each partner.
_FAILURES = {
    "justifacts": (
        *("429", "500", "503", "cut_before", "cut_after", "garbage", "malformed", "success_after"),
        *("hang", "hang_after", "slow", "500_after"),
    ),
    "ashby": (
        *("429", "500", "503", "cut_before", "cut_after", "garbage", "malformed", "success_false"),
        *("hang", "hang_after", "slow", "500_after", "wrong_key"),
    ),
}


@dataclass(frozen=True)
class Step:
    """Justifacts moves an order ``after`` seconds after the last step, and pushes it ``pushes`` times."""

    after: float
    status: str
    result: str
    pushes: int


@dataclass(frozen=True)
class Check:
    """A recruiter starts a check, perhaps with a double click, and may cancel it."""

    at: float
    organization: int
    clicks: int
    steps: tuple[Step, ...]
    cancel_after: float | None
    #: Seconds after the start at which an old status is pushed again.
    stale_push_after: float | None


@dataclass(frozen=True)
class Fault:
    """One injected fault. ``kind``: see ``injector.py``."""

    at: float
    kind: str
    target: str = ""
    seconds: float = 0
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Everything that happens in a run. Times are seconds after its beginning."""

    seed: int
    seconds: float
    checks: tuple[Check, ...]
    faults: tuple[Fault, ...]
    dialects: tuple[PlannedDialect, ...] = ()
    #: How often a step is tried while Justifacts does not have the order.
    step_tries: int = 12


def make_plan(seed: int, orders: int, backend: str, dialects: bool = True, short: bool = False) -> Plan:
    """Make the plan. ``backend``: ``embedded`` or ``services`` (PostgreSQL and Redis, which are restarted as
    well). ``dialects``: whether the partners vary their messages. ``short``: half the time and half the
    deaths, with as many failures of the partners."""
    rng = random.Random(seed)  # nosec B311 # noqa: S311 - reproducible; not for secrets
    seconds = _SHORT_SECONDS if short else max(20.0, orders * 0.1)
    checks = tuple(sorted((_check(rng, seconds) for _ in range(orders)), key=lambda check: check.at))
    faults = tuple(_faults(rng, seconds, orders, backend))
    if short:
        faults = tuple(map(_hurried, faults))
    planned = draw_dialects(seed, ORGANIZATIONS) if dialects else ()
    return Plan(seed, seconds, checks, faults, planned, step_tries=4 if short else 12)


def _hurried(fault: Fault) -> Fault:
    """Instead of a process that is suspended for longer than a lease, one that is suspended past the last
    moment for a call, while the clock moves past the lease."""
    if fault.kind not in ("stop", "sleep at") or fault.seconds < LEASE_SECONDS:
        return fault
    return replace(fault, seconds=7, details={"move clock": LEASE_SECONDS + 2})


def _check(rng: random.Random, seconds: float) -> Check:
    pace = rng.choice([0.5, 2, 6])
    steps = tuple(
        Step(
            after=rng.uniform(0.2, pace),
            status=status,
            result=rng.choice(RESULTS),
            pushes=rng.choice([0, 0, 1, 1, 1, 3]),
        )
        for status in STEPS
    )
    return Check(
        at=rng.uniform(0, seconds),
        organization=rng.randrange(ORGANIZATIONS),
        clicks=2 if rng.random() < 0.15 else 1,
        # Some orders stop early; they are completed at the end of the run.
        steps=steps[: rng.choice([1, 2, 3, 3, 3])],
        cancel_after=rng.uniform(0, 8) if rng.random() < 0.12 else None,
        stale_push_after=rng.uniform(1, 10) if rng.random() < 0.2 else None,
    )


def _faults(rng: random.Random, seconds: float, orders: int, backend: str) -> list[Fault]:
    faults = [
        *_process_faults(rng, seconds, backend),
        *_failpoint_faults(rng, seconds, orders),
        *_partner_faults(rng, seconds, every=min(2.0, seconds / 10)),
        *_machine_faults(rng, seconds, backend),
    ]
    return sorted(faults, key=lambda fault: fault.at)


def _times(rng: random.Random, seconds: float, every: float) -> list[float]:
    """Random times, on average one per ``every`` seconds, and at least one."""
    return [rng.uniform(0, seconds) for _ in range(max(1, round(seconds / every)))]


def _process_faults(rng: random.Random, seconds: float, backend: str) -> list[Fault]:
    kills = {"web": 25, "web child": 12, "worker": 12, "worker2": 12, "scheduler": 30}
    if backend == "embedded":
        kills["broker"] = 30
    else:
        kills |= {"redis": 30, "postgresql": 40}
    found = [
        Fault(at, f"kill -9 {target}")
        for target, every in kills.items()
        for at in _times(rng, seconds, every)
    ]
    for at in _times(rng, seconds, 30):
        # Longer than a lease, so that another worker takes the work over.
        found.append(Fault(at, "stop", rng.choice(["worker", "worker2"]), rng.uniform(24, 30)))
    for at in _times(rng, seconds, 30):
        found.append(Fault(at, "stop", "web child", rng.uniform(2, 8)))
    return found


def _failpoint_faults(rng: random.Random, seconds: float, orders: int) -> list[Fault]:
    few = 8 if seconds > _SHORT_SECONDS else 4
    points = [point for point in POINTS for _ in (0, 1)] if orders > 100 else rng.sample(POINTS, few)
    found = [Fault(rng.uniform(0, seconds), "failpoint", point) for point in points]
    for _ in range(max(1, int(seconds / 60))):
        at, point = (
            rng.uniform(0, seconds),
            rng.choice(["place.claimed", "deliver.claimed", "place.called"]),
        )
        found.append(Fault(at, "sleep at", point, seconds=26))
    return found


def _partner_faults(rng: random.Random, seconds: float, every: float) -> list[Fault]:
    found = []
    for partner, modes in _FAILURES.items():
        for at in _times(rng, seconds, every):
            for_all = rng.random() < 0.1
            found.append(
                Fault(
                    at,
                    f"{partner} {rng.choice(modes)}",
                    "" if for_all else str(rng.randrange(ORGANIZATIONS)),
                    seconds=rng.uniform(1, 6),
                    details={"count": rng.choice([1, 1, 2, 5])},
                )
            )
    return found


def _machine_faults(rng: random.Random, seconds: float, backend: str) -> list[Fault]:
    found = [Fault(at, "wipe broker") for at in _times(rng, seconds, 10)]
    found += [
        Fault(at, "rotate key", str(rng.randrange(ORGANIZATIONS)), rng.uniform(1, 5))
        for at in _times(rng, seconds, 40)
    ]
    found += [
        Fault(at, "rotate keys early", str(rng.randrange(ORGANIZATIONS)), rng.uniform(1, 5))
        for at in _times(rng, seconds, 40)
    ]
    for at in _times(rng, seconds, 25):
        found.append(Fault(at, "move clock", seconds=rng.choice([-40, -5, 30, 90, 300, 900])))
    if backend == "embedded":
        found += [Fault(at, "disk full", seconds=rng.uniform(2, 5)) for at in _times(rng, seconds, 60)]
    return found
