"""``make bench``: the portal's speed on this machine, compared with a plain Django project beside it.

Absolute figures depend on the machine; the ratios do not, since both are measured in turns and in one run.
This is a report: it exits with 0 even if targets are missed.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from .end_to_end import latencies
from .memory import Memory, memory_of
from .stack import REFERENCE, Stack
from .web import CLIENTS, Comparison, Speed, compare_list, compare_start, start_alone

_ORDERS = 50


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--only", help="comma-separated parts: push, list, start, busy, polls")
    parser.add_argument("--database-url", default="", help="default: SQLite in a temporary folder")
    parser.add_argument("--web-options", default="", help="additional options for granian")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="duration of each measurement")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else ["push", "list", "start", "busy", "polls"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        stack = Stack(Path(folder), options.database_url, options.web_options)
        try:
            _measure(stack, parts, options.rounds, options.seconds)
        finally:
            stack.close()
    print(f"\n{time.monotonic() - began:.0f} s in total.")


def _measure(stack: Stack, parts: list[str], rounds: int, seconds: float) -> None:
    """Run the parts; each prints its results at once."""
    stack.start_sandbox()
    stack.start("broker")
    packages = stack.run("-m", "benchmarks.inside", "prepare")
    package = json.loads(packages)[0]["assessment_type_id"]
    stack.run("-m", "benchmarks.inside", "reference.prepare", settings=REFERENCE, given=packages)
    stack.start("web", "reference")
    stack.wait("the web process", lambda: stack.answers("/health/live"))
    stack.wait("the reference", stack.reference_answers)
    print(f"{'':44}{'target':>12}{'reached':>12}")
    if "push" in parts:
        stack.start_workers()
        _print_end_to_end(latencies(stack, _ORDERS), memory_of(stack.pids))
        stack.stop("worker", "scheduler")
    # The next parts measure starts only: the sandbox should not push or record.
    stack.control("settings", push=False, record_calls=False)
    if "list" in parts:
        print(f"assessment.list, {CLIENTS} clients")
        _print_comparison(compare_list(stack, rounds, seconds), 0.8)
    if "start" in parts:
        print(f"assessment.start, {CLIENTS} clients, workers idle")
        comparison = compare_start(stack, package, rounds, seconds)
        _print_comparison(comparison, 0.5)
        _print_p99_of_starts(comparison.portal)
    if "busy" in parts:
        stack.start_workers()
        print(f"assessment.start, {CLIENTS} clients, while the workers place the orders")
        speed = start_alone(stack, package, 5)
        _print_p99_of_starts(speed)
        _print_speed("the portal", speed)
    stack.stop("scheduler", "worker", "web", "reference")
    if "polls" in parts:
        _print_polls(json.loads(stack.run("-m", "benchmarks.inside", "polls")))


def _line(label: str, target: str, reached: str, ok: bool | None = None, remark: str = "") -> None:
    mark = {None: "", True: "  yes", False: "  NO"}[ok]
    print(f"{label:44}{target:>12}{reached:>12}{mark:5}  {remark}".rstrip(), flush=True)


def _print_comparison(comparison: Comparison, target: float) -> None:
    spread = f"rounds {comparison.lowest:.2f} to {comparison.highest:.2f}"
    ratio = comparison.ratio
    _line("  ratio to the reference view", f">= {target}", f"{ratio:.2f}", ratio >= target, spread)
    _print_speed("the portal", comparison.portal)
    _print_speed("the reference", comparison.reference)


def _print_speed(name: str, speed: Speed) -> None:
    remark = f"p50 {speed.p50:.0f} ms, p99 {speed.p99:.0f} ms"
    _line(f"  {name}", "", f"{speed.per_second:.0f}/s", None, remark)


def _print_p99_of_starts(speed: Speed) -> None:
    _line("  99th percentile", "< 300 ms", f"{speed.p99:.0f} ms", speed.p99 < 300)


def _print_end_to_end(milliseconds: list[float], processes: list[Memory]) -> None:
    pushes, middle = len(milliseconds), median(milliseconds)
    print(f"From a push by Justifacts until Ashby has the update: {pushes} pushes of {_ORDERS} orders")
    _line("  median", "< 1000 ms", f"{middle:.0f} ms", middle < 1000)
    _line("  99th percentile", "", f"{quantiles(milliseconds, n=100)[98]:.0f} ms")
    print(f"Memory after {_ORDERS} orders")
    for one in processes:
        remark = f"proportional: {one.pss_mb:.0f} MB"
        _line(f"  {one.name}", "< 200 MB", f"{one.rss_mb:.0f} MB", one.rss_mb < 200, remark)


def _print_polls(rates: dict[str, list[float]]) -> None:
    ratios = [a / b for a, b in zip(rates["portal"], rates["reference"], strict=True)]
    print("Polls, compared with plain requests in as many threads")
    spread = f"rounds {min(ratios):.2f} to {max(ratios):.2f}"
    _line("  ratio", ">= 0.4", f"{median(ratios):.2f}", median(ratios) >= 0.4, spread)
    for name, key in (("the portal", "portal"), ("plain requests", "reference")):
        _line(f"  {name}", "", f"{median(rates[key]):.0f}/s")


if __name__ == "__main__":
    main()
