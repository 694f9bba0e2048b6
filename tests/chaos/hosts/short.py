"""The plan of the short form, which CI runs: three losses, once each, while both partners work."""

import random
from dataclasses import replace

from ..plan import Fault, Plan, make_plan
from .hosts import SCHEDULERS, WEB, WORKERS
from .plan import HostPlan

_HOSTS = (*WEB, *WORKERS[:2], SCHEDULERS[0])
_SECONDS = 14.0


def make_short_plan(seed: int, orders: int) -> HostPlan:
    """A web host and a worker host vanish with their disks, and the other worker host is cut off from
    PostgreSQL. The seed chooses the hosts, the times and the checks."""
    rng = random.Random(f"short/{seed}")  # nosec B311 # noqa: S311 - reproducible; not for secrets
    base = make_plan(seed, orders, "services", dialects=False)
    checks = tuple(replace(check, at=check.at * _SECONDS / base.seconds) for check in base.checks)
    lost, cut = rng.sample(WORKERS[:2], 2)
    faults = (
        Fault(rng.uniform(1, 3), "lose web host", rng.choice(WEB), 5),
        Fault(rng.uniform(3, 5), "lose worker host", lost, 5),
        Fault(rng.uniform(8, 10), "cut from database", cut, 5),
    )
    # A check that is cancelled before it is placed is never at Justifacts.
    plan = Plan(seed, _SECONDS, checks, faults, step_tries=4)
    return HostPlan(plan, restores=False, hosts=_HOSTS, is_short=True)
