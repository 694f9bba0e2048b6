"""Measures how long updates of Justifacts take to reach Ashby, for orders from start to completion."""

import time
from typing import Any

from .stack import Stack

#: The pushes that change an order: Applicant Started, In Process, Complete.
_STEPS = 3
_PACE_SECONDS = 0.08
#: The updates that Ashby receives of an order: received, Started, its label, in process, complete.
_UPDATES = 5


def latencies(stack: Stack, orders: int) -> list[float]:
    """Run so many orders to completion, one call every 80 ms.

    Returns the milliseconds from each change at Justifacts until Ashby has received its last update. Exits if
    the updates do not reach Ashby in time.
    """
    for _ in range(orders):
        stack.control("ashby/start", org="bench")
        time.sleep(_PACE_SECONDS)
    stack.wait("an update of every order", lambda: _all_have(stack, orders, 1))
    for _ in range(_STEPS):
        for order in stack.control("justifacts/orders?org=bench")["orders"]:
            stack.control(f"justifacts/orders/{order['id']}/step", push=True)
            time.sleep(_PACE_SECONDS)
    stack.wait("all updates of every order", lambda: _all_have(stack, orders, _UPDATES))
    changed_at = {
        order["reference_id"]: [entry["at"] for entry in order["history"]][1:]
        for order in stack.control("justifacts/orders?org=bench")["orders"]
    }
    measured: list[float] = []
    for assessment, received in _received(stack).items():
        # Applicant Started is two updates: the signal and its label.
        _, _, started, in_process, complete = received
        pairs = zip((started, in_process, complete), changed_at[assessment], strict=True)
        measured += [end - begin for end, begin in pairs]
    return measured


def _received(stack: Stack) -> dict[str, list[Any]]:
    """When Ashby received each update, by assessment."""
    return {
        assessment["id"]: [one["received_at"] for one in assessment["updates"] if one["source"] == "update"]
        for assessment in stack.control("ashby/assessments?org=bench")["assessments"]
    }


def _all_have(stack: Stack, orders: int, updates: int) -> bool:
    counts = [len(received) for received in _received(stack).values()]
    return len(counts) == orders and min(counts) >= updates
