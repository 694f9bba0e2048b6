"""Measures sweeps and the draining of a backlog, on PostgreSQL: ``python -m benchmarks.due``.

For each count, that many polls and updates, and a tenth as many placements, are due at once, spread over all
organizations. Prints what a sweep costs, and how fast one worker process drains the backlog against local
partners (80 ms a call) for ``--seconds``; what is left then is extrapolated. Meanwhile another organization
starts a check every two seconds: the time until Ashby has its first update is printed too. ``--keep NAME``
keeps the filled database for the next run.
"""

import argparse
import json
import os
import socket
import subprocess  # nosec B404 # starts this project's own commands
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import requests

from benchmarks.load import PLACEHOLDER
from benchmarks.memory import memory_of
from benchmarks.pages import KEY, SERVER, create_database, drop_database
from benchmarks.stack import ROOT, VERIFICATION_KEY, Stack
from benchmarks.web import start_body

_DUE = """
    SELECT (SELECT count(*) FROM assessments_order WHERE next_attempt_at <= now() AND next_call = 'place'),
           (SELECT count(*) FROM assessments_order WHERE next_attempt_at <= now() AND next_call = 'poll'),
           (SELECT count(*) FROM assessments_ashbyupdate WHERE state = 'waiting' AND next_attempt_at <= now())
"""
_DELAYS = """
    SELECT extract(epoch FROM coalesce(o.placed_at, now()) - o.created_at)::float,
           extract(epoch FROM coalesce((SELECT min(u.delivered_at) FROM assessments_ashbyupdate u
                                        WHERE u.order_id = o.assessment_id), now()) - o.created_at)::float
    FROM assessments_order o JOIN integrations_organization g ON g.id = o.organization_id
    WHERE g.slug = 'bench'
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.due", description=__doc__)
    parser.add_argument("--due", default="100,10000,100000")
    parser.add_argument("--organizations", type=int, default=1000)
    parser.add_argument("--with-work", default="", help="only so many of the organizations have work")
    parser.add_argument("--orders", type=int, default=20_000, help="in the database besides")
    parser.add_argument("--seconds", type=float, default=60, help="0: only the sweeps")
    parser.add_argument("--delay", type=float, default=80, help="milliseconds of a call to a partner")
    parser.add_argument("--watch", action="store_true", help="also measure the detection of stalled orders")
    parser.add_argument("--keep", default="", metavar="NAME", help="use and keep this filled database")
    options = parser.parse_args()
    base = options.keep or f"portal_due_{os.getpid()}"
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="portal-due-")))
        url = _start_partners(opened, options.delay)
        create_database(base)
        if not options.keep:
            opened.callback(drop_database, base)
        stack = _stack(folder / "fill", base, url)
        fill = ("--orders", str(options.orders), "--organizations", str(options.organizations))
        stack.run("-m", "benchmarks.fill", *fill, "--unless-filled")
        stack.close()
        print(f"{'due':>8}{'ms a sweep':>12}{'CPU ms':>8}{'rows read':>11}{'enqueued':>10}", flush=True)
        for count in options.due.split(","):
            with ExitStack() as run:
                name = f"{base}_{count}"
                drop_database(name)
                with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
                    server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{base}"')
                run.callback(drop_database, name)
                stack = run.enter_context(closing(_stack(folder / count, name, url)))
                arguments = [count, *([options.with_work] if options.with_work else [])]
                package = stack.run("-m", "benchmarks.inside", "due.backlog", *arguments).strip()
                found = json.loads(stack.run("-m", "benchmarks.inside", "due.sweeps"))
                print(
                    f"{int(count):>8,}{found['ms']:>12.1f}{found['cpu']:>8.1f}"
                    f"{found['rows']:>11,}{found['enqueued']:>10}",
                    flush=True,
                )
                if options.seconds:
                    _drain(stack, f"{SERVER}/{name}", package, options.seconds)
                if options.watch:
                    print("watch:", stack.run("-m", "benchmarks.inside", "due.watch").strip(), flush=True)


def _start_partners(opened: ExitStack, delay: float) -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.due.partners", "--port", str(port), "--delay", str(delay)]
    process = subprocess.Popen(command, cwd=ROOT)  # nosec B603 # noqa: S603 - our own command, no shell
    opened.callback(process.terminate)
    return f"http://127.0.0.1:{port}"


def _stack(folder: Path, database: str, partners: str) -> Stack:
    folder.mkdir()
    stack = Stack(folder, f"{SERVER}/{database}")
    stack.environment |= {
        "FIELD_ENCRYPTION_KEYS": KEY,
        "WEB_WORKERS": "1",
        "POLL_INTERVAL_SECONDS": "900",
        "ASHBY_API_BASE_URL": f"{partners}/ashby",
        "JUSTIFACTS_BASE_URL": f"{partners}/justifacts/",
        "OUTBOUND_ALLOWED_HOSTS": partners.partition("://")[2],
    }
    return stack


def _drain(stack: Stack, database: str, package: str, seconds: float) -> None:
    """Print how the backlog drains while another organization starts checks."""
    stack.start("broker", "web")
    stack.wait("the web process", lambda: stack.answers("/health/live"))
    with psycopg.connect(database, autocommit=True) as connection:
        before = _row(connection, _DUE)
        stack.start("worker", "scheduler")
        began, peak, sampled = time.monotonic(), 0.0, list[float]()
        now = before
        while time.monotonic() < began + seconds and (any(now) or time.monotonic() < began + 15):
            _start_check(stack, package)
            time.sleep(2)
            sampled.append(next(each.rss_mb for each in memory_of(stack.pids) if each.name == "worker"))
            peak, now = max(peak, sampled[-1]), _row(connection, _DUE)
        passed = time.monotonic() - began
        time.sleep(1)
        delays = connection.execute(_DELAYS).fetchall()
    stack.stop("scheduler", "worker", "web", "broker")
    for what, first, last in zip(("placements", "polls", "updates"), before, now, strict=True):
        rate = (first - last) / passed
        rest = "drained" if not last else f"{last / rate:.0f} s for the rest" if rate > 0 else "grows"
        print(f"{what:>20}: {first:,} -> {last:,} in {passed:.0f} s, {rate:.1f} a second, {rest}")
    half = sampled[len(sampled) // 2]
    print(f"{'worker':>20}: {peak:.0f} MB at most, {half:.0f} MB at half, {sampled[-1]:.0f} MB at the end")
    placed, delivered = sorted(each[0] for each in delays), sorted(each[1] for each in delays)
    middle = len(delays) // 2
    print(
        f"{'another organization':>20}: {len(delays)} starts; placed after {placed[middle]:.1f} s (at most "
        f"{placed[-1]:.1f} s), in Ashby after {delivered[middle]:.1f} s (at most {delivered[-1]:.1f} s)",
        flush=True,
    )


def _row(connection: "psycopg.Connection[Any]", sql: Any) -> tuple[int, ...]:
    found = connection.execute(sql).fetchone()
    return tuple(found) if found else ()


def _start_check(stack: Stack, package: str) -> None:
    body = json.dumps(start_body(package)).replace(PLACEHOLDER, str(uuid.uuid4()))
    answer = requests.post(
        f"{stack.portal_url}/ashby/assessment.start",
        body,
        auth=(VERIFICATION_KEY, ""),
        headers={"Content-Type": "application/json"},
        timeout=20,
    )
    answer.raise_for_status()


if __name__ == "__main__":
    main()
