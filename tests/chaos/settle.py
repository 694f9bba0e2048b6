"""The end of a run: without faults, the portal finishes its work."""

import json
import time
from collections import Counter
from typing import Any

from .audit import Ledgers, delivered_to_ashby, difference, is_explained
from .driver import Driver
from .processes import Processes

#: Without progress for so long, the portal counts as stuck; the whole work may take so long.
_STUCK_SECONDS, _MAX_SECONDS = 240, 1500


def settle(processes: Processes, driver: Driver) -> dict[str, Any]:
    """Return the portal's data once nothing is left to do, or when it takes too long."""
    for tenant in driver.tenants:
        driver.use_key(tenant)
    started_at = time.monotonic()
    idle_rounds, previous = 0, 0
    fewest, progress_at = 10**9, started_at
    while True:
        _complete_orders(processes, driver)
        time.sleep(3)
        data = read_snapshot(processes)
        waiting = unsettled(data) + Counter(
            {"orders with a difference": _count_differences(processes, driver, data)}
        )
        print(f"finishing: {time.monotonic() - started_at:.0f} s, waiting for {dict(waiting)}", flush=True)
        idle_rounds = 0 if waiting else idle_rounds + 1
        now = time.monotonic()
        if waiting.total() < fewest:
            fewest, progress_at = waiting.total(), now
        if idle_rounds == 2 or now > min(progress_at + _STUCK_SECONDS, started_at + _MAX_SECONDS):
            return data
        if not waiting or waiting.total() >= previous:
            # Backoff grows up to an hour; but moving the clock voids the calls in progress.
            processes.move_clock(15 * 60)
        previous = waiting.total()
        for tenant in driver.tenants:
            if data["paused"].get(tenant.slug):
                driver.use_key(tenant)


def _complete_orders(processes: Processes, driver: Driver) -> None:
    """Justifacts completes its open orders without a push, so that polls have to find out."""
    for tenant in driver.tenants:
        for order in sandbox_orders(processes, tenant.slug):
            if order["completed_at"] is None and order["cancelled_reason"] is None:
                body = {"status": "Complete", "result": "Clear", "push": False}
                processes.control("POST", f"justifacts/orders/{order['id']}/step", **body)


def _count_differences(processes: Processes, driver: Driver, data: dict[str, Any]) -> int:
    """The number of unexplained orders that differ between Justifacts, the portal and Ashby."""
    at_justifacts = {
        order["reference_id"]: order
        for tenant in driver.tenants
        for order in sandbox_orders(processes, tenant.slug)
    }
    return sum(
        bool(difference(order, at_justifacts[order["assessment_id"]], delivered_to_ashby(order)))
        for order in data["orders"]
        if order["assessment_id"] in at_justifacts and not is_explained(order)
    )


def unsettled(data: dict[str, Any]) -> Counter[str]:
    """Counts of unfinished work by kind; empty once every order has ended or needs attention."""
    found: Counter[str] = Counter()
    for order in data["orders"]:
        is_flagged = order["needs_attention"]
        if is_flagged and order["updates"] and order["updates"][-1]["state"] == "waiting":
            continue
        if not order["has_ended"] and not is_flagged:
            found[f"{order['status']} orders"] += 1
        if order["next_call"] not in ("", "poll", *(["look_up"] if is_flagged else [])):
            found[f"call {order['next_call']}"] += 1
        if any(update["state"] == "waiting" for update in order["updates"]):
            found["updates to be delivered"] += 1
    return found


def read_snapshot(processes: Processes) -> dict[str, Any]:
    """The portal's data, read from its database by ``snapshot.py``."""
    file = processes.folder / "snapshot.json"
    code = f"from tests.chaos import snapshot; snapshot.write({str(file)!r})"
    processes.manage("shell", "--verbosity", "0", "-c", code)
    data: dict[str, Any] = json.loads(file.read_text())
    return data


def sandbox_orders(processes: Processes, slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = processes.control("GET", f"justifacts/orders?org={slug}").json()["orders"]
    return found


def sandbox_assessments(processes: Processes, slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = processes.control("GET", f"ashby/assessments?org={slug}").json()[
        "assessments"
    ]
    return found


def read_ledgers(processes: Processes, driver: Driver, data: dict[str, Any]) -> Ledgers:
    """The three records of the run; ``data`` is the portal's."""
    taken: dict[str, list[dict[str, Any]]] = {}
    for tenant in driver.tenants:
        for order in sandbox_orders(processes, tenant.slug):
            taken.setdefault(order["reference_id"], []).append(order)
    return Ledgers(
        accepted=driver.ledger.accepted,
        taken=taken,
        stories={
            one["id"]: [update["body"] for update in one["updates"] if update["source"] == "update"]
            for tenant in driver.tenants
            for one in sandbox_assessments(processes, tenant.slug)
        },
        orders={order["assessment_id"]: order for order in data["orders"]},
        paused=data["paused"],
        given_up=driver.ledger.given_up,
        refused=driver.ledger.refused,
    )


def drawn_faults(processes: Processes) -> Counter[str]:
    """The faults caused by dialects, of the calls that the sandbox still has on record."""
    calls = processes.control("GET", "calls?limit=2000").json()["calls"]
    notes = (f"{call['side']} {call['note']}" for call in calls if call["note"])
    return Counter(note for note in notes if " dialect: " in note)
