"""The end of a run: nothing is broken any more, and time passes until nothing is left to do."""

import json
import subprocess
import sys
import time
from typing import Any

from tests.journey.processes import ROOT

from .driver import Driver
from .world import World

_SECONDS = 420


def settle(world: World, driver: Driver) -> dict[str, Any]:
    """Returns the portal's books once they are quiet, or as they are when it takes too long."""
    for tenant in driver.tenants:
        driver.use_key(tenant)
    until = time.monotonic() + _SECONDS
    quiet_rounds = 0
    while True:
        _staff_finish(world, driver)
        # Waits grow up to an hour; what was refused for good stays so.
        world.move_clock(15 * 60)
        time.sleep(4)
        books = read_books(world)
        quiet_rounds = quiet_rounds + 1 if is_quiet(books, driver) else 0
        if quiet_rounds == 2 or time.monotonic() > until:
            return books
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


def is_quiet(books: dict[str, Any], driver: Driver) -> bool:
    """Every order has ended or asks for a human, and nothing is on its way."""
    return all(
        (
            (order["has_ended"] or order["needs_attention"])
            and order["next_call"] in ("", "poll", *(["look_up"] if order["needs_attention"] else []))
            and all(update["state"] != "waiting" for update in order["updates"])
        )
        or (order["needs_attention"] and order["updates"] and order["updates"][-1]["state"] == "waiting")
        for order in books["orders"]
    )


def read_books(world: World) -> dict[str, Any]:
    """The portal's ledger, read from its database."""
    done = subprocess.run(
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
