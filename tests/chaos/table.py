"""Prints the result of a run as a table."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from .audit import KINDS, Finding, Ledgers

_MAX_FINDINGS_SHOWN = 12


@dataclass
class Result:
    """The outcome of a run."""

    seed: int
    backend: str
    seconds: float
    injected: Counter[str]
    restarts: int
    ledgers: Ledgers
    given_up: list[str]
    refused: list[tuple[str, int, str]]
    findings: list[Finding]

    def count(self, kind: str) -> int:
        """The number of orders with a finding of this kind."""
        return len({finding.order for finding in self.findings if finding.kind == kind})


def print_table(result: Result) -> None:
    """Print injected faults, outcomes and findings."""
    print(f"\nFaults injected (seed {result.seed}, {result.backend}, {result.seconds:.0f} s)")
    for kind, count in sorted(result.injected.items()):
        print(f"  {kind:<44}{count:>6}")
    print(f"  {'restarted processes':<44}{result.restarts:>6}")
    orders = list(result.ledgers.orders.values())
    print("\nOutcome")
    _line("starts accepted", len(result.ledgers.accepted))
    _line("starts refused, with a definite answer", len(result.refused))
    _line("starts and cancels without a definite answer", len(result.given_up))
    _line("orders in the portal", len(orders))
    for status, count in sorted(Counter(order["status"] for order in orders).items()):
        _line(f"  {status}", count)
    _line("orders at Justifacts", sum(len(placed) for placed in result.ledgers.taken.values()))
    _line("updates accepted by Ashby", sum(len(updates) for updates in result.ledgers.stories.values()))
    reasons = Counter(_heading(order["attention_reason"]) for order in orders if order["needs_attention"])
    _line("orders that need attention", sum(reasons.values()))
    for reason, count in reasons.most_common(8):
        _line(f"  {reason}", count)
    for call in result.given_up[:5]:
        print(f"    {call}")
    print()
    for kind in KINDS:
        _line(kind, result.count(kind))
    for finding in result.findings[:_MAX_FINDINGS_SHOWN]:
        print(f"\n{finding.kind}: {finding.order}: {finding.what}")
        print(json.dumps(finding.evidence, indent=1)[:6000])


def _line(label: str, count: Any) -> None:
    print(f"  {label:<90}{count:>6}")


def _heading(reason: str) -> str:
    return reason.split(": ")[0][:88]
