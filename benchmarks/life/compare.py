"""Compares the portal with the bare chain: processor time and latency of whole lives."""

import time
from dataclasses import dataclass
from statistics import median

from benchmarks.stack import Stack

from .meter import Usage, measured
from .orders import Lives, run

PORTAL = ("web", "worker", "scheduler", "broker")
BARE = ("reference", "bare", "broker")


@dataclass(frozen=True)
class Life:
    """How some orders lived. ``cpu``: processor milliseconds of one order, by process."""

    lives: Lives
    cpu: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.cpu.values())

    @property
    def median(self) -> float:
        return median(self.lives.latencies)


@dataclass(frozen=True)
class Chain:
    """One chain's results. ``idle``: what its processes use without an order."""

    idle: Usage
    one_by_one: Life
    at_once: Life
    polled: Life


def compare(
    stack: Stack, one_by_one: int, at_once: int, idle_seconds: float, poll_seconds: int
) -> tuple[Chain, Chain]:
    """Run so many orders one after the other and so many at once: the portal's results and those of the bare
    chain. Its loop, and the portal's worker and scheduler, run only while they are measured."""
    stack.control("settings", push=False)
    bare = _chain(stack, "bare", BARE, ("bare",), one_by_one, at_once, idle_seconds, poll_seconds)
    portal = _chain(
        stack, "bench", PORTAL, ("worker", "scheduler"), one_by_one, at_once, idle_seconds, poll_seconds
    )
    return portal, bare


def _chain(
    stack: Stack,
    org: str,
    names: tuple[str, ...],
    workers: tuple[str, ...],
    one_by_one: int,
    at_once: int,
    idle_seconds: float,
    poll_seconds: int,
) -> Chain:
    def life(orders: int, *, push: bool, at_once: bool) -> Life:
        with measured(stack, names) as usage:
            lives = run(stack, org, orders, push=push, at_once=at_once)
        return Life(lives, usage.per_order(orders, idle))

    stack.start_together(*workers)
    # The first orders open connections and import modules.
    run(stack, org, 3, push=True, at_once=True)
    with measured(stack, names) as idle:
        time.sleep(idle_seconds)
    by_push = life(one_by_one, push=True, at_once=False), life(at_once, push=True, at_once=True)
    stack.stop(*workers)
    with stack.changed(POLL_INTERVAL_SECONDS=str(poll_seconds)):
        stack.start_together(*workers)
        run(stack, org, 3, push=True, at_once=True)
        polled = life(at_once, push=False, at_once=True)
        stack.stop(*workers)
    return Chain(idle, *by_push, polled)
