"""Runs the chaos test once: ``python -m tests.chaos``. Exits with 1 if anything was lost, doubled, out of
order or unexplained."""

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
from .processes import Processes
from .settle import sandbox_assessments, sandbox_orders, settle
from .table import Result, print_table


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
    """Carry out the plan with real processes."""
    for dialect in plan.dialects:
        print(f"  chaos-{dialect.organization} {dialect.side}: {', '.join(dialect.traits)}", flush=True)
    started_at = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        Processes(Path(folder), backend) as processes,
    ):
        driver = Driver(processes, plan)
        injector = Injector(processes, driver, plan)
        faults = threading.Thread(target=injector.run, daemon=True)
        faults.start()
        driver.run()
        faults.join()
        injector.end()
        data = settle(processes, driver)
        ledgers = Ledgers(
            accepted=driver.ledger.accepted,
            taken=_by_reference(one for t in driver.tenants for one in sandbox_orders(processes, t.slug)),
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
        findings = audit(ledgers)
        if findings and (folder_for_logs := os.environ.get("CHAOS_KEEP")):
            _copy_logs(processes, Path(folder_for_logs))
        return Result(
            seed=plan.seed,
            backend=backend,
            seconds=time.monotonic() - started_at,
            injected=injector.injected + Counter(_drawn_faults(processes)),
            restarts=processes.restarts,
            ledgers=ledgers,
            given_up=driver.ledger.given_up,
            refused=driver.ledger.refused,
            findings=findings,
        )


def _drawn_faults(processes: Processes) -> list[str]:
    """The faults caused by dialects, of the calls that the sandbox still has on record."""
    calls = processes.control("GET", "calls?limit=2000").json()["calls"]
    notes = (f"{call['side']} {call['note']}" for call in calls if call["note"])
    return [note for note in notes if " dialect: " in note]


def _by_reference(orders: object) -> dict[str, list[dict[str, object]]]:
    by_reference: dict[str, list[dict[str, object]]] = {}
    for order in orders:
        by_reference.setdefault(order["reference_id"], []).append(order)
    return by_reference


def _copy_logs(processes: Processes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for log in processes.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
