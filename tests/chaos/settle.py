"""The end of a run: nothing is broken any more, and time passes until nothing is left to do."""

import json
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import time
from collections import Counter
from typing import Any

from tests.e2e.processes import ROOT

from .audit import differs, is_explained, told_of
from .driver import Driver
from .world import World

#: For so long nothing more may settle before it is taken for stuck, and so long everything may take.
_STUCK_SECONDS, _SECONDS = 240, 1500


def settle(world: World, driver: Driver) -> dict[str, Any]:
    """Returns the portal's books once they are quiet, or as they are when it takes too long."""
    for tenant in driver.tenants:
        driver.use_key(tenant)
    began = time.monotonic()
    quiet_rounds, before = 0, 0
    least, moved_at = 10**9, began
    while True:
        _staff_finish(world, driver)
        time.sleep(3)
        books = read_books(world)
        waiting = unsettled(books) + Counter({"words to be heard": _unheard(world, driver, books)})
        print(f"settling: {time.monotonic() - began:.0f} s, waits for {dict(waiting)}", flush=True)
        quiet_rounds = 0 if waiting else quiet_rounds + 1
        now = time.monotonic()
        if waiting.total() < least:
            least, moved_at = waiting.total(), now
        if quiet_rounds == 2 or now > min(moved_at + _STUCK_SECONDS, began + _SECONDS):
            return books
        if not waiting or waiting.total() >= before:
            # Waits grow up to an hour; but each leap makes the calls in flight void.
            world.move_clock(15 * 60)
        before = waiting.total()
        for tenant in driver.tenants:
            if books["paused"].get(tenant.slug):
                driver.use_key(tenant)


def _staff_finish(world: World, driver: Driver) -> None:
    """Justifacts completes what it still has; nobody pushes, so that the polls have to find it."""
    for tenant in driver.tenants:
        for order in sandbox_orders(world, tenant.slug):
            if order["completed_at"] is None and order["cancelled_reason"] is None:
                body = {"status": "Complete", "result": "Clear", "push": False}
                world.control("POST", f"justifacts/orders/{order['id']}/step", **body)


def _unheard(world: World, driver: Driver, books: dict[str, Any]) -> int:
    """Orders of which Justifacts says something else than the portal knows, with nobody asked."""
    there = {
        order["reference_id"]: order
        for tenant in driver.tenants
        for order in sandbox_orders(world, tenant.slug)
    }
    return sum(
        bool(differs(order, there[order["assessment_id"]], told_of(order)))
        for order in books["orders"]
        if order["assessment_id"] in there and not is_explained(order)
    )


def unsettled(books: dict[str, Any]) -> Counter[str]:
    """What is still on its way, by kind; nothing once every order has ended or asks for a human."""
    found: Counter[str] = Counter()
    for order in books["orders"]:
        asks = order["needs_attention"]
        if asks and order["updates"] and order["updates"][-1]["state"] == "waiting":
            continue
        if not order["has_ended"] and not asks:
            found[f"{order['status']} to end"] += 1
        if order["next_call"] not in ("", "poll", *(["look_up"] if asks else [])):
            found[f"call {order['next_call']}"] += 1
        if any(update["state"] == "waiting" for update in order["updates"]):
            found["updates to be told"] += 1
    return found


def read_books(world: World) -> dict[str, Any]:
    """The portal's ledger, read from its database."""
    done = subprocess.run(  # nosec B603 # our own command, no shell
        [sys.executable, "-m", "tests.chaos.books"],
        cwd=ROOT,
        env=world.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    books: dict[str, Any] = json.loads(done.stdout)
    return books


def sandbox_orders(world: World, slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.control("GET", f"justifacts/orders?org={slug}").json()["orders"]
    return found


def sandbox_assessments(world: World, slug: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.control("GET", f"ashby/assessments?org={slug}").json()["assessments"]
    return found
