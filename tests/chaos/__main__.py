"""Runs the chaos test once: ``python -m tests.chaos``. Exits with 1 if anything was lost, doubled, out of
order or unexplained."""

import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from .audit import audit
from .driver import Driver
from .hosts.run import run_on_hosts
from .injector import Injector
from .plan import Plan, make_plan
from .processes import Processes
from .settle import drawn_faults, read_ledgers, settle
from .table import Result, print_table


def main() -> int:
    orders = int(os.environ.get("CHAOS_ORDERS", "60"))
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    backend = os.environ.get("CHAOS_ON", "embedded")
    dialects = os.environ.get("CHAOS_DIALECTS", "on")
    if backend == "hosts":
        return run_on_hosts(seed, orders, dialects != "off")
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
        ledgers = read_ledgers(processes, driver, data)
        findings = audit(ledgers)
        if findings and (folder_for_logs := os.environ.get("CHAOS_KEEP")):
            copy_logs(processes, Path(folder_for_logs))
        return Result(
            seed=plan.seed,
            backend=backend,
            seconds=time.monotonic() - started_at,
            injected=injector.injected + drawn_faults(processes),
            restarts=processes.restarts,
            ledgers=ledgers,
            given_up=driver.ledger.given_up,
            refused=driver.ledger.refused,
            findings=findings,
        )


def copy_logs(processes: Processes, folder: Path) -> None:
    """Keep the logs of the processes for a look at a finding."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in processes.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
