"""One run: ``python -m tests.chaos``. Ends with 1 unless nothing was lost, doubled, out of order or left
unexplained."""

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from .audit import Ledgers, audit
from .driver import Driver
from .injector import Injector
from .plan import Plan, make_plan
from .settle import sandbox_assessments, sandbox_orders, settle
from .table import Result, print_table
from .world import World


def main() -> int:
    orders = int(os.environ.get("CHAOS_ORDERS", "60"))
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    backend = os.environ.get("CHAOS_ON", "embedded")
    dialects = os.environ.get("CHAOS_DIALECTS", "on")
    print(f"CHAOS_SEED={seed} CHAOS_ORDERS={orders} CHAOS_ON={backend} CHAOS_DIALECTS={dialects}", flush=True)
    plan = make_plan(seed, orders, backend, dialects != "off")
    result = run(plan, backend)
    print_table(result)
    return 0 if not result.findings else 1


def run(plan: Plan, backend: str) -> Result:
    """The plan, carried out with real processes; what came of it."""
    for spoken in plan.dialects:
        print(f"  chaos-{spoken.organization} {spoken.side}: {', '.join(spoken.traits)}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, World(Path(folder), backend) as world:
        driver = Driver(world, plan)
        injector = Injector(world, driver, plan)
        breaking = threading.Thread(target=injector.run, daemon=True)
        breaking.start()
        driver.run()
        breaking.join()
        injector.end()
        books = settle(world, driver)
        ledgers = Ledgers(
            accepted=driver.ledger.accepted,
            taken=_grouped(one for t in driver.tenants for one in sandbox_orders(world, t.slug)),
            stories={
                one["id"]: [update["body"] for update in one["updates"] if update["source"] == "update"]
                for tenant in driver.tenants
                for one in sandbox_assessments(world, tenant.slug)
            },
            orders={order["assessment_id"]: order for order in books["orders"]},
            paused=books["paused"],
            given_up=driver.ledger.given_up,
            refused=driver.ledger.refused,
        )
        findings = audit(ledgers)
        if findings and (keep := os.environ.get("CHAOS_KEEP")):
            _keep_logs(world, Path(keep))
        return Result(
            seed=plan.seed,
            backend=backend,
            seconds=time.monotonic() - began,
            injected=injector.injected + Counter(_drawn_faults(world)),
            restarts=world.restarts,
            ledgers=ledgers,
            given_up=driver.ledger.given_up,
            refused=driver.ledger.refused,
            findings=findings,
        )


def _drawn_faults(world: World) -> list[str]:
    """What the dialects made of calls, of those that the sandbox still has a record of."""
    calls = world.control("GET", "calls?limit=2000").json()["calls"]
    notes = (f"{call['side']} {call['note']}" for call in calls if call["note"])
    return [note for note in notes if " dialect: " in note]


def _grouped(orders: object) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for order in orders:
        found.setdefault(order["reference_id"], []).append(order)
    return found


def _keep_logs(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in world.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
