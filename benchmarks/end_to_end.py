"""Measures how long updates of Justifacts take to reach Ashby, for orders from start to completion."""

import time
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

from .stack import Stack

#: The pushes that change an order: Applicant Started, In Process, Complete.
_STEPS = 3
_PACE_SECONDS = 0.08
#: The updates that Ashby receives of an order: received, Started, its label, in process, complete.
_UPDATES = 5


class EndToEnd:
    """Runs ``orders`` orders, one call every 80 ms, and measures the latency of each push."""

    def __init__(self, stack: Stack, orders: int) -> None:
        self._stack = stack
        self._orders = orders

    def run(self) -> "PushLatency":
        """Run all orders to completion. Exits if the updates do not reach Ashby in time."""
        stack = self._stack
        for _ in range(self._orders):
            stack.control("ashby/start", org="bench")
            time.sleep(_PACE_SECONDS)
        stack.wait("an update of every order", lambda: self._all_have(1))
        orders = stack.control("justifacts/orders?org=bench")["orders"]
        for _ in range(_STEPS):
            for order in orders:
                stack.control(f"justifacts/orders/{order['id']}/step", push=True)
                time.sleep(_PACE_SECONDS)
        stack.wait("all updates of every order", lambda: self._all_have(_UPDATES))
        return PushLatency(list(self._latencies()))

    def _assessments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._stack.control("ashby/assessments?org=bench")["assessments"]
        return found

    def _all_have(self, updates: int) -> bool:
        """Whether Ashby has received so many updates of every order."""
        counts = [sum(one["source"] == "update" for one in each["updates"]) for each in self._assessments()]
        return len(counts) == self._orders and min(counts) >= updates

    def _latencies(self) -> Iterator[float]:
        """Milliseconds from each change at Justifacts until Ashby has received its last update."""
        changed_at = {
            order["reference_id"]: [entry["at"] for entry in order["history"]][1:]
            for order in self._stack.control("justifacts/orders?org=bench")["orders"]
        }
        for assessment in self._assessments():
            received = [one["received_at"] for one in assessment["updates"] if one["source"] == "update"]
            # Applicant Started is two updates: the signal and its label.
            _, _, started, in_process, complete = received
            changes = changed_at[assessment["id"]]
            yield from (
                end - begin for end, begin in zip((started, in_process, complete), changes, strict=True)
            )


class PushLatency:
    """Milliseconds from a push to the update's arrival at Ashby."""

    def __init__(self, milliseconds: list[float]) -> None:
        self.count = len(milliseconds)
        self.median = median(milliseconds)
        self.p99 = quantiles(milliseconds, n=100)[98]
