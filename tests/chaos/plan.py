"""What happens in a run, decided by the seed alone before anything starts."""

import random
from dataclasses import dataclass, field

from integrations.failpoints import POINTS

from .dialects import Spoken, draw_dialects

ORGANIZATIONS = 6
#: Steps of a check as Justifacts' staff take them.
STEPS = ("Applicant Started", "In Process: Justifacts", "Complete")
RESULTS = ("Clear", "Review", "Adverse")

_SIDES = {
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
    """Justifacts' staff move an order ``after`` seconds, and push it ``pushes`` times."""

    after: float
    status: str
    result: str
    pushes: int


@dataclass(frozen=True)
class Check:
    """A recruiter starts a check, perhaps with two clicks at once, and may cancel it again."""

    at: float
    organization: int
    clicks: int
    steps: tuple[Step, ...]
    cancel_after: float | None
    #: An old word is pushed once more, out of order, so many seconds after the start.
    stale_push_after: float | None


@dataclass(frozen=True)
class Fault:
    """Something breaks."""

    at: float
    kind: str
    target: str = ""
    seconds: float = 0
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    seed: int
    seconds: float
    checks: tuple[Check, ...]
    faults: tuple[Fault, ...]
    dialects: tuple[Spoken, ...] = ()


def make_plan(seed: int, orders: int, backend: str, dialects: bool = True) -> Plan:
    """``backend``: ``embedded`` or ``services``; the latter has servers of its own to restart. ``dialects``:
    both sides write as real systems do."""
    chance = random.Random(seed)  # nosec B311 # noqa: S311 - a seed repeats it; no secret comes of it
    seconds = max(20.0, orders * 0.1)
    checks = tuple(sorted((_check(chance, seconds) for _ in range(orders)), key=lambda check: check.at))
    faults = tuple(_faults(chance, seconds, orders, backend))
    spoken = draw_dialects(seed, ORGANIZATIONS) if dialects else ()
    return Plan(seed, seconds, checks, faults, spoken)


def _check(chance: random.Random, seconds: float) -> Check:
    pace = chance.choice([0.5, 2, 6])
    steps = tuple(
        Step(
            after=chance.uniform(0.2, pace),
            status=status,
            result=chance.choice(RESULTS),
            pushes=chance.choice([0, 0, 1, 1, 1, 3]),
        )
        for status in STEPS
    )
    return Check(
        at=chance.uniform(0, seconds),
        organization=chance.randrange(ORGANIZATIONS),
        clicks=2 if chance.random() < 0.15 else 1,
        # Some are left where they are: the polls after the settling bring the rest.
        steps=steps[: chance.choice([1, 2, 3, 3, 3])],
        cancel_after=chance.uniform(0, 8) if chance.random() < 0.12 else None,
        stale_push_after=chance.uniform(1, 10) if chance.random() < 0.2 else None,
    )


def _faults(chance: random.Random, seconds: float, orders: int, backend: str) -> list[Fault]:
    faults = [
        *_process_faults(chance, seconds, backend),
        *_crashes(chance, seconds, orders),
        *_side_faults(chance, seconds),
        *_machine_faults(chance, seconds, backend),
    ]
    return sorted(faults, key=lambda fault: fault.at)


def _times(chance: random.Random, seconds: float, every: float) -> list[float]:
    """At least once, and about once in ``every`` seconds."""
    return [chance.uniform(0, seconds) for _ in range(max(1, round(seconds / every)))]


def _process_faults(chance: random.Random, seconds: float, backend: str) -> list[Fault]:
    kills = {"web": 25, "web child": 12, "worker": 12, "worker2": 12, "scheduler": 30}
    if backend == "embedded":
        kills["broker"] = 30
    else:
        kills |= {"redis": 30, "postgresql": 40}
    found = [
        Fault(at, f"kill -9 {target}")
        for target, every in kills.items()
        for at in _times(chance, seconds, every)
    ]
    for at in _times(chance, seconds, 30):
        # Longer than a claim lasts: whoever wakes finds that others went on.
        found.append(Fault(at, "stop", chance.choice(["worker", "worker2"]), chance.uniform(24, 30)))
    for at in _times(chance, seconds, 30):
        found.append(Fault(at, "stop", "web child", chance.uniform(2, 8)))
    return found


def _crashes(chance: random.Random, seconds: float, orders: int) -> list[Fault]:
    points = [point for point in POINTS for _ in (0, 1)] if orders > 100 else chance.sample(POINTS, 8)
    found = [Fault(chance.uniform(0, seconds), "crash point", point) for point in points]
    for _ in range(max(1, int(seconds / 60))):
        at, point = (
            chance.uniform(0, seconds),
            chance.choice(["place.claimed", "deliver.claimed", "place.called"]),
        )
        found.append(Fault(at, "sleep at", point, seconds=26))
    return found


def _side_faults(chance: random.Random, seconds: float) -> list[Fault]:
    found = []
    for side, modes in _SIDES.items():
        for at in _times(chance, seconds, 2.0):
            everybody = chance.random() < 0.1
            found.append(
                Fault(
                    at,
                    f"{side} {chance.choice(modes)}",
                    "" if everybody else str(chance.randrange(ORGANIZATIONS)),
                    seconds=chance.uniform(1, 6),
                    details={"count": chance.choice([1, 1, 2, 5])},
                )
            )
    return found


def _machine_faults(chance: random.Random, seconds: float, backend: str) -> list[Fault]:
    found = [Fault(at, "wipe broker") for at in _times(chance, seconds, 10)]
    found += [
        Fault(at, "rotate key", str(chance.randrange(ORGANIZATIONS)), chance.uniform(1, 5))
        for at in _times(chance, seconds, 40)
    ]
    found += [
        Fault(at, "rotate keys early", str(chance.randrange(ORGANIZATIONS)), chance.uniform(1, 5))
        for at in _times(chance, seconds, 40)
    ]
    for at in _times(chance, seconds, 25):
        found.append(Fault(at, "move clock", seconds=chance.choice([-40, -5, 30, 90, 300, 900])))
    if backend == "embedded":
        found += [Fault(at, "disk full", seconds=chance.uniform(2, 5)) for at in _times(chance, seconds, 60)]
    return found
