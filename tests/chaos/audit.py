"""Compares the three ledgers: the driver's, the sandbox's, the portal's. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

KINDS = ("lost", "doubled", "out of order", "unexplained")
_ONCE = ("Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts")
_KNOWN = (*_ONCE, "Complete", "Sending to Justifacts")


@dataclass(frozen=True)
class Finding:
    """A promise that was broken, with the evidence."""

    kind: str
    order: str
    what: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ledgers:
    """``accepted``: the driver's starts (assessment id: application). ``taken``: Justifacts' orders by
    our reference. ``stories``: what Ashby took of each assessment, in order. ``orders``: the portal's.
    ``given_up``: calls of a nervous client that had no definite answer for minutes."""

    accepted: dict[str, str]
    taken: dict[str, list[dict[str, Any]]]
    stories: dict[str, list[dict[str, Any]]]
    orders: dict[str, dict[str, Any]]
    paused: dict[str, str]
    given_up: list[str] = field(default_factory=list)
    refused: list[tuple[str, int, str]] = field(default_factory=list)


def audit(ledgers: Ledgers) -> list[Finding]:
    """Everything that is wrong; nothing where every promise was kept."""
    findings = [
        Finding("unexplained", call, "a client had no definite answer for minutes")
        for call in ledgers.given_up
    ]
    # Each start is of a complete candidate, however Ashby writes it.
    findings += [
        Finding("unexplained", application, f"a good start was answered with {status}: {text}")
        for application, status, text in ledgers.refused
        if status in (400, 404, 422)
    ]
    for reference in ledgers.accepted:
        if reference not in ledgers.orders:
            findings.append(
                Finding("lost", reference, "Ashby was answered, and the portal has no such order")
            )
    for reference in ledgers.taken:
        if reference not in ledgers.orders:
            findings.append(
                Finding("lost", reference, "Justifacts runs an order that the portal does not know")
            )
    for reference, order in ledgers.orders.items():
        story = ledgers.stories.get(reference, [])
        taken = ledgers.taken.get(reference, [])
        evidence = {"order": order, "story": story, "justifacts": taken}
        for kind, what in (
            *_placing(order, taken),
            *_final_word(order, taken, story),
            *_telling(order, story, reference in ledgers.stories, ledgers.paused),
            *_story(story),
        ):
            findings.append(Finding(kind, reference, what, evidence))
    return [*findings, *_same_application(ledgers)]


def _placing(order: dict[str, Any], taken: list[dict[str, Any]]) -> list[tuple[str, str]]:
    if len(taken) > 1:
        return [("doubled", f"Justifacts has {len(taken)} orders with this reference")]
    if not taken and not order["needs_attention"] and order["status"] not in ("cancelled", "rejected"):
        return [("lost", "accepted, and neither at Justifacts nor a question to a human")]
    if order["needs_attention"] and not order["attention_reason"]:
        return [("unexplained", "needs a human, and does not say why")]
    if order["next_call"] in ("place", "cancel") and not order["needs_attention"]:
        return [("unexplained", f"still has to {order['next_call']}")]
    return []


def _final_word(
    order: dict[str, Any], taken: list[dict[str, Any]], story: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    if len(taken) != 1 or is_explained(order):
        return []
    difference = differs(order, taken[0], _told(story))
    return [("lost", difference)] if difference else []


def is_explained(order: dict[str, Any]) -> bool:
    """Whether a person is asked, about more than another order number: under that, all words are applied."""
    return order["needs_attention"] and order.get("attention_topic") != "number"


def differs(order: dict[str, Any], there: dict[str, Any], told: "Told") -> str:
    """What Justifacts means and the portal does not know, or Ashby was not told; empty where all agree."""
    if order["status"] == "cancelled":
        is_over = there["cancelled_reason"] is not None or there["completed_at"] is not None
        return "" if is_over else "cancelled here, and Justifacts goes on with it"
    if there["cancelled_reason"] is not None:
        return "Justifacts cancelled it, and the portal does not know"
    if there["completed_at"] is None:
        return ""
    result = there["result"] or "Complete"
    if order["status"] != "complete":
        return f"Justifacts completed it, and the portal says {order['status']}"
    if order["result"] != result:
        return f"Justifacts says {result}, the portal {order['result']}"
    if told.result != result:
        return f"Justifacts says {result}, and Ashby was told {told.result or 'none'}"
    if _plain(there.get("word", "")) not in ("", *map(_plain, told.labels)):
        return f"Justifacts says {there['word']}, and Ashby was not told"
    return ""


@dataclass(frozen=True)
class Told:
    """What Ashby has been told of an order: every status, and the last result."""

    labels: frozenset[str]
    result: str


def _plain(word: str) -> str:
    """A word without its case, spacing and punctuation, which a dialect may change."""
    return "".join(filter(str.isalnum, word.casefold()))


def told_of(order: dict[str, Any]) -> Told:
    """By the portal's own book: what was delivered."""
    return _told([one["payload"] for one in order["updates"] if one["state"] == "delivered"])


def _told(story: list[dict[str, Any]]) -> Told:
    results = [body["assessment_result"]["value"] for body in story if "assessment_result" in body]
    labels = (body["assessment_status"]["value"] for body in story if "assessment_status" in body)
    return Told(frozenset(labels), results[-1] if results else "")


def _telling(
    order: dict[str, Any], story: list[dict[str, Any]], is_known: bool, paused: dict[str, str]
) -> list[tuple[str, str]]:
    found = []
    delivered = [one["payload"] for one in order["updates"] if one["state"] == "delivered"]
    if delivered != story and is_known:
        what = "Ashby has another story than the one that the portal delivered"
        kind = "out of order" if _sorted(delivered) == _sorted(story) else "lost"
        found.append(("doubled" if len(story) > len(delivered) else kind, what))
    undelivered = [one for one in order["updates"] if one["state"] != "delivered"]
    if undelivered and not order["needs_attention"] and not paused.get(order["organization"]):
        found.append(("lost", f"{len(undelivered)} updates were not told, and nobody is asked"))
    if order["has_ended"] and order["status"] != "complete" and not _has_end(order):
        found.append(("lost", "it ended, and there is no update that says so"))
    return found


def _story(story: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = []
    stamps = [body["timestamp"] for body in story]
    if any(one >= other for one, other in pairwise(stamps)):
        found.append(("out of order", "timestamps do not grow"))
    # After a word that the protocol does not know, the status before it may be said again.
    said = [body["assessment_status"]["value"] for body in story if "assessment_status" in body]
    labels = Counter(label for n, label in enumerate(said) if n == 0 or said[n - 1] in _KNOWN)
    for label in _ONCE:
        if labels[label] > 1:
            found.append(("doubled", f"Ashby was told {label} {labels[label]} times"))
    known = [_ONCE.index(label) for label in labels if label in _ONCE]
    if known != sorted(known):
        found.append(("out of order", "a status went back"))
    ends = [n for n, body in enumerate(story) if "cancelled_reason" in body]
    if ends not in ([], [len(story) - 1]):
        found.append(("out of order", "something was told after the end"))
    return found


def _same_application(ledgers: Ledgers) -> list[Finding]:
    """One start of one application is one order, however often it was repeated."""
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
