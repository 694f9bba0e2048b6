"""Runs the chaos test on several hosts once."""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from math import inf
from pathlib import Path
from types import FrameType

from tests.e2e.portal.processes import ROOT

from ..audit import Finding, audit
from ..driver import Driver
from ..settle import drawn_faults, read_ledgers, read_snapshot, settle
from ..table import Result, print_table
from .hosts import WEB, Hosts
from .injector import HostInjector
from .plan import HostPlan, make_host_plan
from .requirements import missing, run
from .restore import as_restored, late_updates, restore
from .short import make_short_plan
from .starts import Refused, refused_starts

#: A start that takes so long has waited for the processor: the portal answers within a tenth of a second.
_PATIENCE_SECONDS = 2.5


def run_on_hosts(seed: int, orders: int, dialects: bool) -> int:
    """Return the exit code: 1 if anything was lost, doubled, out of order, unexplained or refused."""
    if reason := missing():
        print(f"skipped: {reason}")
        return 0
    restores = os.environ.get("CHAOS_RESTORE", "on" if seed % 3 == 0 else "off") == "on"
    old = os.environ.get("CHAOS_FROM", "HEAD~1")
    chosen = f"CHAOS_ON=hosts CHAOS_SEED={seed} CHAOS_ORDERS={orders}"
    if os.environ.get("CHAOS_SHORT") == "on":
        print(f"{chosen} CHAOS_SHORT=on", flush=True)
        plan = make_short_plan(seed, orders)
    else:
        print(f"{chosen} CHAOS_FROM={old} CHAOS_RESTORE={'on' if restores else 'off'}", flush=True)
        plan = make_host_plan(seed, orders, dialects=dialects, restores=restores)
    signal.signal(signal.SIGTERM, _leave)
    result, refused = carry_out(plan, old)
    print_table(result)
    _print_refused(refused, len(result.ledgers.accepted))
    return 1 if result.findings or refused.unexcused else 0


def carry_out(planned: HostPlan, old: str) -> tuple[Result, Refused]:
    """Carry out the plan; the hosts begin with the version of the revision ``old``."""
    plan, began = planned.plan, time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-hosts-") as name,
        Hosts(
            Path(name), ROOT if planned.is_short else _extract(old, Path(name) / "old"), planned.hosts
        ) as hosts,
    ):
        print(f"  {time.monotonic() - began:.0f} s: all hosts are up", flush=True)
        driver = Driver(hosts, plan)
        snapshot = Path(name) / "snapshot.dump"
        injector = HostInjector(hosts, driver, plan, ROOT, snapshot)
        faults = threading.Thread(target=injector.run, daemon=True)
        faults.start()
        driver.run()
        faults.join()
        injector.end()
        print(f"  {time.monotonic() - began:.0f} s: all faults have ended", flush=True)
        patience = _PATIENCE_SECONDS if planned.is_short else inf
        refused = refused_starts(hosts.balancer.attempts(), injector.outages, WEB, patience)
        marks = restore(hosts, driver, snapshot) if planned.restores else {}
        settle(hosts, driver)
        # Completed orders are polled again and again, so while workers run, the records would differ by what
        # happens between reading one and the next.
        hosts.end_work()
        ledgers = read_ledgers(hosts, driver, read_snapshot(hosts))
        late = late_updates(ledgers.stories, marks)
        ledgers.stories = as_restored(ledgers, marks)
        findings = audit(ledgers)
        findings += [
            Finding("out of order", key, "an update after the restore is older at Ashby") for key in late
        ]
        if kept := os.environ.get("CHAOS_KEEP"):
            _keep_logs(hosts, Path(kept))
            records = {**vars(ledgers), "history": injector.history, "marks": marks}
            (Path(kept) / "records.json").write_text(json.dumps(records, indent=1, default=vars))
            calls = hosts.control("GET", "calls?limit=2000").text
            (Path(kept) / "calls.json").write_text(calls)
        result = Result(
            seed=plan.seed,
            backend="hosts",
            seconds=time.monotonic() - began,
            injected=injector.injected + drawn_faults(hosts) + Counter(restore=planned.restores),
            restarts=hosts.restarts,
            ledgers=ledgers,
            given_up=driver.ledger.given_up,
            refused=driver.ledger.refused,
            findings=findings,
        )
    return result, refused


def _extract(revision: str, folder: Path) -> Path:
    """The code of an earlier version."""
    folder.mkdir()
    run("git", "-C", ROOT, "archive", "--output", folder.with_suffix(".tar"), revision)
    run("tar", "-x", "-f", folder.with_suffix(".tar"), "-C", folder)
    return folder


def _print_refused(refused: Refused, accepted: int) -> None:
    print(f"\nStarts without an answer at the load balancer ({accepted} were accepted in the end)")
    for what, attempts in (
        ("while the database or every web host failed", refused.nowhere),
        ("cut off: their web host failed while it had them", refused.cut_off),
        ("after seconds, on a slow machine", refused.slow),
        ("while a web host and the database lived", refused.unexcused),
    ):
        print(f"  {what:<90}{len(attempts):>6}")
    for attempt in refused.unexcused[:20]:
        print(f"    {attempt}")


def _keep_logs(hosts: Hosts, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    logs = (
        *hosts.folder.glob("*.log"),
        *(hosts.folder / "nginx").glob("*.log"),
        *hosts.services.folder.glob("*.log"),
    )
    for log in logs:
        (folder / log.name).write_bytes(log.read_bytes())


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends a run as Ctrl-C does: everything is removed."""
    sys.exit(143)
