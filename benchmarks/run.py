"""``make bench``: the portal's speed on this machine, compared with a plain Django project beside it.

Absolute figures depend on the machine; the ratios do not, since both are measured in one run. ``--check``
exits with 1 if a bar of ``bars.py`` does not hold; without it the run is a report, and exits with 0.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from .bars import Report
from .life import compare as lives
from .pages import SERVER, create_database, drop_database
from .processes import memory_of
from .stack import REFERENCE, Stack
from .web import CLIENTS, Comparison, Speed, compare_list, compare_start, start_alone

_PARTS = ("life", "list", "start", "busy", "polls")


@dataclass(frozen=True)
class _Size:
    """How much is measured. ``seconds``: of each round of list and start, and ``busy`` of starts. ``polls``:
    orders and rounds. ``poll_seconds``: between the polls of an order, in its life by poll."""

    rounds: int
    seconds: float
    busy: float
    one_by_one: int
    at_once: int
    idle: float
    polls: tuple[int, int]
    poll_seconds: int


_WHOLE = _Size(
    rounds=6, seconds=1.0, busy=5.0, one_by_one=30, at_once=50, idle=5.0, polls=(200, 8), poll_seconds=5
)
_SHORT = _Size(
    rounds=2, seconds=0.5, busy=1.5, one_by_one=4, at_once=10, idle=1.0, polls=(80, 2), poll_seconds=2
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--only", default=",".join(_PARTS), help="comma-separated parts: %(default)s")
    parser.add_argument("--database-url", default="", help="default: SQLite in a temporary folder")
    parser.add_argument("--postgresql", action="store_true", help="a new database on the tests' server")
    parser.add_argument("--web-options", default="", help="additional options for granian")
    parser.add_argument("--short", action="store_true", help="half a minute: too short to judge by")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar does not hold")
    options = parser.parse_args()
    began, report = time.monotonic(), Report()
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-"))
        url = options.database_url
        if options.postgresql:
            name = f"portal_bench_{os.getpid()}"
            create_database(name)
            opened.callback(drop_database, name)
            url = f"{SERVER}/{name}"
        stack = opened.enter_context(closing(Stack(Path(folder), url, options.web_options)))
        _measure(stack, options.only.split(","), _SHORT if options.short else _WHOLE, report)
    print(f"\n{time.monotonic() - began:.0f} s in total.")
    if report.missed:
        print(f"Not reached: {', '.join(report.missed)}.")
    sys.exit(1 if options.check and report.missed else 0)


def _measure(stack: Stack, parts: list[str], size: _Size, report: Report) -> None:
    """Run the parts; each prints its results at once."""
    stack.start_sandbox()
    stack.start("broker")
    packages = stack.run("-m", "benchmarks.inside", "prepare")
    package = json.loads(packages)[0]["assessment_type_id"]
    stack.run("-m", "benchmarks.inside", "reference.prepare", settings=REFERENCE, given=packages)
    stack.start("web", "reference")
    stack.wait("the web process", lambda: stack.answers("/health/live"))
    stack.wait("the reference", stack.reference_answers)
    if "life" in parts:
        _report_lives(
            report, *lives.compare(stack, size.one_by_one, size.at_once, size.idle, size.poll_seconds)
        )
    # The next parts measure starts only: the sandbox should not push or record.
    stack.control("settings", push=False, record_calls=False)
    if "list" in parts:
        report.title(f"assessment.list, {CLIENTS} clients")
        _report_comparison(report, "list", compare_list(stack, size.rounds, size.seconds))
    at_rest = None
    if "start" in parts or "busy" in parts:
        report.title(f"assessment.start, {CLIENTS} clients, workers idle")
        comparison = compare_start(stack, package, size.rounds, size.seconds)
        _report_comparison(report, "start", comparison)
        at_rest = comparison.reference
        _report_p99(report, "start p99", comparison.portal, at_rest)
    if "busy" in parts and at_rest:
        stack.start_together("worker", "scheduler")
        report.title(f"assessment.start, {CLIENTS} clients, while the workers place the orders")
        speed = start_alone(stack, package, size.busy)
        _report_p99(report, "start p99, busy", speed, at_rest)
        _report_speed(report, "the portal", speed)
        report.title("Memory")
        for one in memory_of(stack.pids):
            report.judge("memory", one.rss_mb, one.name, f"proportional: {one.pss_mb:.0f} MB")
    stack.stop("scheduler", "worker", "web", "reference")
    if "polls" in parts:
        rates = stack.run("-m", "benchmarks.inside", "polls", *map(str, size.polls))
        _report_polls(report, json.loads(rates))


def _report_lives(report: Report, portal: lives.Chain, bare: lives.Chain) -> None:
    report.title("Processor time of one order's life, and from a push until Ashby has it")
    for bar, title, ours, theirs in (
        ("life by push", "by push, one after the other", portal.one_by_one, bare.one_by_one),
        (
            "life by push, at once",
            f"by push, {portal.at_once.lives.orders} at once",
            portal.at_once,
            bare.at_once,
        ),
        ("life by poll", f"by poll, {portal.polled.lives.orders} at once", portal.polled, bare.polled),
    ):
        report.judge(bar, ours.total / theirs.total, title)
        for who, life in (("the portal", ours), ("the bare chain", theirs)):
            parts = ", ".join(f"{name} {ms:.1f}" for name, ms in life.cpu.items())
            asked = f"; {life.lives.asked / life.lives.orders:.1f} polls" if life.lives.asked else ""
            report.show(f"  {who}", f"{life.total:.0f} ms", parts + asked)
    for bar, title, ours, theirs in (
        ("push", "median, one push at a time", portal.one_by_one, bare.one_by_one),
        (
            "push, at once",
            f"median, {portal.at_once.lives.orders} pushes at once",
            portal.at_once,
            bare.at_once,
        ),
    ):
        report.judge(bar, ours.median / theirs.median, title)
        for who, life in (("the portal", ours), ("the bare chain", theirs)):
            p99 = quantiles(life.lives.latencies, n=100)[98]
            report.show(f"  {who}", f"{life.median:.0f} ms", f"p99 {p99:.0f} ms")
    report.judge("push itself", portal.one_by_one.median, "from a push until Ashby has the update")
    idle = portal.idle
    a_minute = {name: ms / idle.seconds * 60 / 1000 for name, ms in idle.milliseconds.items()}
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in a_minute.items())
    report.show("the portal idle, not included above", f"{sum(a_minute.values()):.1f} s/min", parts)


def _report_comparison(report: Report, bar: str, comparison: Comparison) -> None:
    spread = f"rounds {comparison.lowest:.2f} to {comparison.highest:.2f}"
    report.judge(bar, comparison.ratio, "ratio to the reference view", spread)
    _report_speed(report, "the portal", comparison.portal)
    _report_speed(report, "the reference", comparison.reference)


def _report_speed(report: Report, name: str, speed: Speed) -> None:
    report.show(name, f"{speed.per_second:.0f}/s", f"p50 {speed.p50:.0f} ms, p99 {speed.p99:.0f} ms")


def _report_p99(report: Report, bar: str, speed: Speed, reference: Speed) -> None:
    remark = f"{speed.p99:.0f} ms, the reference at rest {reference.p99:.0f} ms"
    report.judge(bar, speed.p99 / reference.p99, "99th percentile beside the reference's", remark)


def _report_polls(report: Report, rates: dict[str, list[float]]) -> None:
    ratios = [a / b for a, b in zip(rates["portal"], rates["reference"], strict=True)]
    report.title("Polls, compared with plain requests in as many threads")
    spread = f"rounds {min(ratios):.2f} to {max(ratios):.2f}"
    report.judge("polls", median(ratios), "ratio", spread)
    for name, key in (("the portal", "portal"), ("plain requests", "reference")):
        report.show(name, f"{median(rates[key]):.0f}/s")


if __name__ == "__main__":
    main()
