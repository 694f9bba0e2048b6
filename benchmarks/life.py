"""The full life of some orders, paced as people work: started, placed, pushed on, completed."""

import time
from statistics import median, quantiles
from typing import Any

from .stack import Stack

#: The pushes that change an order: Applicant Started, In Process, Complete.
_STEPS = 3
_PACE_SECONDS = 0.08
#: What Ashby is told of a whole life: received, Started, its label, in process, complete.
_UPDATES = 5


class Life:
    """Runs the orders and keeps how long each push took to reach Ashby."""

    def __init__(self, stack: Stack, orders: int) -> None:
        self._stack = stack
        self._orders = orders

    def run(self) -> "PushLatency":
        stack = self._stack
        for _ in range(self._orders):
            stack.control("ashby/start", org="bench")
            time.sleep(_PACE_SECONDS)
        stack.wait("every order told received", lambda: self._told(1))
        orders = stack.control("justifacts/orders?org=bench")["orders"]
        for _ in range(_STEPS):
            for order in orders:
                stack.control(f"justifacts/orders/{order['id']}/step", push=True)
                time.sleep(_PACE_SECONDS)
        stack.wait("every order told complete", lambda: self._told(_UPDATES))
        return PushLatency(list(self._latencies()))

    def _assessments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._stack.control("ashby/assessments?org=bench")["assessments"]
        return found

    def _told(self, count: int) -> bool:
        told = [sum(one["source"] == "update" for one in each["updates"]) for each in self._assessments()]
        return len(told) == self._orders and min(told) >= count

    def _latencies(self) -> Any:
        """From the moment that Justifacts moved the order until Ashby had the last word of it."""
        moved = {
            order["reference_id"]: [entry["at"] for entry in order["history"]][1:]
            for order in self._stack.control("justifacts/orders?org=bench")["orders"]
        }
        for assessment in self._assessments():
            told = [one["received_at"] for one in assessment["updates"] if one["source"] == "update"]
            # Applicant Started is told in two updates: the signal and the label.
            _, _, started, in_process, complete = told
            steps = moved[assessment["id"]]
            yield from (there - at for there, at in zip((started, in_process, complete), steps, strict=True))


class PushLatency:
    """Milliseconds from push to Ashby."""

    def __init__(self, milliseconds: list[float]) -> None:
        self.count = len(milliseconds)
        self.median = median(milliseconds)
        self.p99 = quantiles(milliseconds, n=100)[98]
