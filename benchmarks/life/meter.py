"""Measures the processor time of all processes of a chain."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.processes import cpu_of, database_processes
from benchmarks.stack import Stack

POSTGRESQL = "PostgreSQL"
_SAMPLE_SECONDS = 0.2


@dataclass
class Usage:
    """Processor milliseconds by process, and how long it was measured."""

    milliseconds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def per_order(self, orders: int, idle: "Usage") -> dict[str, float]:
        """The milliseconds of one order, without what the idle processes use in the same time."""
        share = self.seconds / idle.seconds
        return {
            name: max(0.0, used - idle.milliseconds.get(name, 0.0) * share) / orders
            for name, used in self.milliseconds.items()
        }


@contextmanager
def measured(stack: Stack, names: tuple[str, ...]) -> Iterator[Usage]:
    """Measure these processes and those of PostgreSQL that serve their database, while the block runs."""
    usage, began = Usage(), time.monotonic()
    before = {name: cpu_of(stack.pid(name)) for name in names}
    with _database(stack.database) as used:
        yield usage
    usage.seconds = time.monotonic() - began
    usage.milliseconds = {name: cpu_of(stack.pid(name)) - before[name] for name in names}
    if stack.database:
        usage.milliseconds[POSTGRESQL] = sum(used.values())


@contextmanager
def _database(name: str) -> Iterator[dict[int, float]]:
    """Sample the server's processes, because some end before the block does."""
    used: dict[int, float] = {}
    if not name:
        yield used
        return
    before, ended = database_processes(name), threading.Event()

    def sample() -> None:
        for pid, milliseconds in database_processes(name).items():
            used[pid] = milliseconds - before.get(pid, 0.0)

    def keep_sampling() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            sample()

    sampler = threading.Thread(target=keep_sampling)
    sampler.start()
    try:
        yield used
    finally:
        ended.set()
        sampler.join()
        sample()
