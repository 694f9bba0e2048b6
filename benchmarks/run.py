"""``make bench``: the portal's speed on this machine, beside bare reference views in the same server.

Absolute figures say more about the machine than about the portal; the ratios are measured in turns
and in one run. It is a report: it ends with 0 whatever it finds.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

from .life import Life, PushLatency
from .memory import Memory, memory_of
from .stack import Stack
from .web import CLIENTS, Comparison, Speed, compare_list, compare_start, start_alone

_ORDERS = 50


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--only", help="parts, with commas: life, list, start, busy, polls")
    parser.add_argument("--database-url", default="", help="else SQLite, in a folder of its own")
    parser.add_argument("--web-options", default="", help="more options for granian")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one turn in a round")
    options = parser.parse_args()
    parts = options.only.split(",") if options.only else ["life", "list", "start", "busy", "polls"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        stack = Stack(Path(folder), options.database_url, options.web_options)
        try:
            _measure(stack, parts, options.rounds, options.seconds)
        finally:
            stack.close()
    print(f"\n{time.monotonic() - began:.0f} s in all.")


def _measure(stack: Stack, parts: list[str], rounds: int, seconds: float) -> None:
    """Each part prints its lines as soon as it has them."""
    stack.start_sandbox()
    stack.start("broker")
    package = stack.run("-m", "benchmarks.inside", "prepare", settings="benchmarks.settings").strip()
    stack.start("web")
    stack.wait("the web process", lambda: stack.answers("/health/live"))
    _head()
    if "life" in parts:
        stack.start("worker", "scheduler")
        stack.wait("worker and scheduler", lambda: stack.answers("/health/ready"))
        _print_life(Life(stack, _ORDERS).run(), memory_of(stack.pids))
        stack.end("worker", "scheduler")
    # From here on only starts are wanted, not what the sandbox makes of them.
    stack.control("settings", push=False, record_calls=False)
    if "list" in parts:
        _print_list(compare_list(stack, rounds, seconds))
    if "start" in parts:
        _print_start(compare_start(stack, package, rounds, seconds))
    if "busy" in parts:
        stack.start("worker", "scheduler")
        stack.wait("worker and scheduler", lambda: stack.answers("/health/ready"))
        _print_busy(start_alone(stack, package, 5))
    stack.end("scheduler", "worker", "web")
    if "polls" in parts:
        _print_polls(json.loads(stack.run("-m", "benchmarks.inside", "polls")))


def _head() -> None:
    print(f"{'':44}{'target':>12}{'reached':>12}")


def _line(what: str, target: str, reached: str, ok: bool | None = None, remark: str = "") -> None:
    mark = {None: "", True: "  yes", False: "  NO"}[ok]
    print(f"{what:44}{target:>12}{reached:>12}{mark:5}  {remark}".rstrip(), flush=True)


def _print_list(found: Comparison) -> None:
    print(f"assessment.list, {CLIENTS} clients")
    _print_comparison(found, 0.7)


def _print_start(found: Comparison) -> None:
    print(f"assessment.start, {CLIENTS} clients, workers at rest")
    _print_comparison(found, 0.4)
    _line("  slowest of a hundred (p99)", "< 300 ms", f"{found.portal.p99:.0f} ms", found.portal.p99 < 300)


def _print_comparison(found: Comparison, target: float) -> None:
    spread = f"rounds {found.lowest:.2f} to {found.highest:.2f}"
    _line(
        "  ratio to the reference view", f">= {target}", f"{found.ratio:.2f}", found.ratio >= target, spread
    )
    for name, speed in (("the portal", found.portal), ("the reference", found.reference)):
        _line(f"  {name}", "", f"{speed.per_second:.0f}/s", None, _latencies(speed))


def _latencies(speed: Speed) -> str:
    return f"p50 {speed.p50:.0f} ms, p99 {speed.p99:.0f} ms"


def _print_busy(speed: Speed) -> None:
    print(f"assessment.start, {CLIENTS} clients, while the workers place what was started")
    _line("  slowest of a hundred (p99)", "< 300 ms", f"{speed.p99:.0f} ms", speed.p99 < 300)
    _line("  the portal", "", f"{speed.per_second:.0f}/s", None, _latencies(speed))


def _print_life(push: PushLatency, processes: list[Memory]) -> None:
    print(f"Justifacts' push until Ashby has it, {push.count} pushes over {_ORDERS} orders")
    _line("  median", "< 1000 ms", f"{push.median:.0f} ms", push.median < 1000)
    _line("  slowest of a hundred (p99)", "", f"{push.p99:.0f} ms")
    print(f"Memory after the life of {_ORDERS} orders")
    for one in processes:
        remark = f"shared fairly: {one.pss_mb:.0f} MB"
        _line(f"  {one.name}", "< 200 MB", f"{one.rss_mb:.0f} MB", one.rss_mb < 200, remark)


def _print_polls(rates: dict[str, list[float]]) -> None:
    ratios = [a / b for a, b in zip(rates["portal"], rates["reference"], strict=True)]
    print("Polls, beside bare requests in as many threads")
    spread = f"rounds {min(ratios):.2f} to {max(ratios):.2f}"
    _line("  ratio", ">= 0.4", f"{median(ratios):.2f}", median(ratios) >= 0.4, spread)
    for name, key in (("the portal", "portal"), ("bare requests", "reference")):
        _line(f"  {name}", "", f"{median(rates[key]):.0f}/s")


if __name__ == "__main__":
    main()
