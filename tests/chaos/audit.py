"""Compares the three records of a run: the driver's, the sandbox's and the portal's. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

KINDS = ("lost", "doubled", "out of order", "unexplained")
_ONCE = ("Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts")
_KNOWN = (*_ONCE, "Complete", "Sending to Justifacts")
#: Kinds and descriptions of the problems of one order.
Problems = list[tuple[str, str]]


@dataclass(frozen=True)
class Finding:
    """A violated guarantee, with the evidence. ``kind``: one of ``KINDS``."""

    kind: str
    order: str
    what: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ledgers:
    """The records of a run, by assessment id.

    ``accepted``: the application of each start that the portal accepted. ``taken``: Justifacts' orders.
    ``stories``: the updates that Ashby accepted, in order. ``orders``: the portal's orders. ``paused``: the
    reason, by organization, if deliveries are paused. ``given_up``: calls without a definite answer for
    minutes. ``refused``: application, HTTP status and text of each refused start."""

    accepted: dict[str, str]
    taken: dict[str, list[dict[str, Any]]]
    stories: dict[str, list[dict[str, Any]]]
    orders: dict[str, dict[str, Any]]
    paused: dict[str, str]
    given_up: list[str] = field(default_factory=list)
    refused: list[tuple[str, int, str]] = field(default_factory=list)


def audit(ledgers: Ledgers) -> list[Finding]:
    """All findings; empty if every guarantee holds."""
    findings = [
        Finding("unexplained", call, "a client had no definite answer for minutes")
        for call in ledgers.given_up
    ]
    # Every start is valid, whatever the dialect.
    findings += [
        Finding("unexplained", application, f"a valid start was answered with {status}: {text}")
        for application, status, text in ledgers.refused
        if status in (400, 404, 422)
    ]
    for records, what in (
        (ledgers.accepted, "a start was accepted, and the portal has no such order"),
        (ledgers.taken, "Justifacts has an order that the portal does not know"),
    ):
        findings += [
            Finding("lost", reference, what) for reference in records if reference not in ledgers.orders
        ]
    for reference, order in ledgers.orders.items():
        updates = ledgers.stories.get(reference, [])
        at_justifacts = ledgers.taken.get(reference, [])
        evidence = {"order": order, "updates": updates, "justifacts": at_justifacts}
        for kind, what in (
            *_placement_problems(order, at_justifacts),
            *_outcome_problems(order, at_justifacts, updates),
            *_delivery_problems(order, updates, reference in ledgers.stories, ledgers.paused),
            *_sequence_problems(updates),
        ):
            findings.append(Finding(kind, reference, what, evidence))
    return [*findings, *_repeated_starts(ledgers)]


def _placement_problems(order: dict[str, Any], at_justifacts: list[dict[str, Any]]) -> Problems:
    if len(at_justifacts) > 1:
        return [("doubled", f"Justifacts has {len(at_justifacts)} orders with this reference")]
    if (
        not at_justifacts
        and not order["needs_attention"]
        and order["status"] not in ("cancelled", "rejected")
    ):
        return [("lost", "accepted, and neither placed at Justifacts nor flagged")]
    if order["needs_attention"] and not order["attention_reason"]:
        return [("unexplained", "needs attention without a reason")]
    if order["next_call"] in ("place", "cancel") and not order["needs_attention"]:
        return [("unexplained", f"the call {order['next_call']} is still pending")]
    return []


def _outcome_problems(
    order: dict[str, Any], at_justifacts: list[dict[str, Any]], updates: list[dict[str, Any]]
) -> Problems:
    if len(at_justifacts) != 1 or is_explained(order):
        return []
    what = difference(order, at_justifacts[0], _content_of(updates))
    return [("lost", what)] if what else []


def is_explained(order: dict[str, Any]) -> bool:
    """Whether the order needs attention, not only for a new order number: that does not stop its updates."""
    topics = order.get("attention_topics") or [order.get("attention_topic")]
    return order["needs_attention"] and set(topics) != {"number"}


@dataclass(frozen=True)
class Content:
    """The content of an order's updates: all statuses, and the last result."""

    statuses: frozenset[str]
    result: str


def difference(order: dict[str, Any], at_justifacts: dict[str, Any], at_ashby: Content) -> str:
    """How the portal or Ashby differs from Justifacts in the outcome of an order; empty if they agree."""
    if order["status"] == "cancelled":
        has_ended = at_justifacts["cancelled_reason"] is not None or at_justifacts["completed_at"] is not None
        return "" if has_ended else "cancelled in the portal, and open at Justifacts"
    if at_justifacts["cancelled_reason"] is not None:
        return "cancelled at Justifacts, and not in the portal"
    if at_justifacts["completed_at"] is None:
        return ""
    result = at_justifacts["result"] or "Complete"
    if order["status"] != "complete":
        return f"complete at Justifacts, and {order['status']} in the portal"
    if order["result"] != result:
        return f"the result is {result} at Justifacts, and {order['result']} in the portal"
    if at_ashby.result != result:
        return f"the result is {result} at Justifacts, and {at_ashby.result or 'missing'} at Ashby"
    sent_status = at_justifacts.get("sent_status", "")
    if _plain(sent_status) not in ("", *map(_plain, at_ashby.statuses)):
        return f"the status {sent_status} of Justifacts is missing at Ashby"
    return ""


def _plain(status: str) -> str:
    """A status without case, spacing and punctuation, which a dialect may change."""
    return "".join(filter(str.isalnum, status.casefold()))


def delivered_to_ashby(order: dict[str, Any]) -> Content:
    """The content of the updates that the portal has delivered, according to itself."""
    return _content_of([update["payload"] for update in order["updates"] if update["state"] == "delivered"])


def _content_of(updates: list[dict[str, Any]]) -> Content:
    results = [body["assessment_result"]["value"] for body in updates if "assessment_result" in body]
    return Content(frozenset(_statuses_of(updates)), results[-1] if results else "")


def _statuses_of(updates: list[dict[str, Any]]) -> list[str]:
    return [body["assessment_status"]["value"] for body in updates if "assessment_status" in body]


def _delivery_problems(
    order: dict[str, Any], updates: list[dict[str, Any]], is_at_ashby: bool, paused: dict[str, str]
) -> Problems:
    problems = []
    delivered = [one["payload"] for one in order["updates"] if one["state"] == "delivered"]
    if delivered != updates and is_at_ashby:
        kind = "out of order" if _sorted(delivered) == _sorted(updates) else "lost"
        what = "Ashby has other updates than the portal has delivered"
        problems.append(("doubled" if len(updates) > len(delivered) else kind, what))
    undelivered = [one for one in order["updates"] if one["state"] != "delivered"]
    if undelivered and not order["needs_attention"] and not paused.get(order["organization"]):
        problems.append(
            ("lost", f"{len(undelivered)} updates are not delivered, and the order is not flagged")
        )
    if order["has_ended"] and order["status"] != "complete" and not _has_end(order):
        problems.append(("lost", "the order has ended, and no update says so"))
    return problems


def _sequence_problems(updates: list[dict[str, Any]]) -> Problems:
    problems = []
    timestamps = [body["timestamp"] for body in updates]
    if any(earlier >= later for earlier, later in pairwise(timestamps)):
        problems.append(("out of order", "timestamps do not grow"))
    # After an unknown status, the status before it may be repeated.
    statuses = _statuses_of(updates)
    counts = Counter(status for n, status in enumerate(statuses) if n == 0 or statuses[n - 1] in _KNOWN)
    for status in _ONCE:
        if counts[status] > 1:
            problems.append(("doubled", f"Ashby received {status} {counts[status]} times"))
    ranks = [_ONCE.index(status) for status in counts if status in _ONCE]
    if ranks != sorted(ranks):
        problems.append(("out of order", "a status went back"))
    ends = [n for n, body in enumerate(updates) if "cancelled_reason" in body]
    if ends not in ([], [len(updates) - 1]):
        problems.append(("out of order", "Ashby received an update after the end"))
    return problems


def _repeated_starts(ledgers: Ledgers) -> list[Finding]:
    """A start makes one order, however often it is repeated."""
    by_application = Counter(order["application_id"] for order in ledgers.orders.values())
    return [
        Finding("doubled", order["assessment_id"], "one start made two orders", {"order": order})
        for order in ledgers.orders.values()
        if by_application[order["application_id"]] > 1
    ]


def _has_end(order: dict[str, Any]) -> bool:
    return any("cancelled_reason" in one["payload"] for one in order["updates"])


def _sorted(bodies: list[dict[str, Any]]) -> list[str]:
    return sorted(str(sorted(body.items(), key=lambda item: item[0])) for body in bodies)
