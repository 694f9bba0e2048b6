"""The stand-in Ashby's book of assessments: takes updates or says precisely why not."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.ashby.rules import update_problems
from integrations.sandbox.models import Assessment, Ledger, Org
from integrations.sandbox.world import World

#: What a complete assessment cannot go back to.
KNOWN_STATUSES = (
    *(
        "Sending to Justifacts",
        "Justifacts Received",
        "Started",
        "Applicant Started",
        "In Process: Justifacts",
    ),
    "Complete",
)
_KEPT_REFUSALS = 200


@dataclass(frozen=True)
class Verdict:
    """What became of one update: taken, repeat or refused (with code and message)."""

    kind: str
    assessment: Assessment | None = None
    code: str = ""
    message: str = ""


def take_update(world: World, org: Org, body: Any) -> Verdict:
    """Judge one `assessment.update` by every rule of docs/protocol.md, and keep it if it is good."""
    problems = update_problems(body)
    if problems:
        return _refused(world, org, body, None, "invalid_input", "; ".join(problems[:5]))
    assessment = world.assessments.get(body["assessment_id"].lower())
    if assessment is None or assessment.org != org.slug:
        world.ledger(org.slug).not_found += 1
        return _refused(world, org, body, None, "assessment_not_found", "Assessment not found.")
    if _repeats(assessment, body):
        assessment.repeats += 1
        world.ledger(org.slug).repeats += 1
        world.save_ledger(world.ledger(org.slug))
        world.save_assessment(assessment)
        return Verdict("repeat", assessment)
    objection = _objection(world.ledger(org.slug), assessment, body)
    if objection:
        return _refused(world, org, body, assessment, "invalid_input", objection)
    add_to_story(assessment, body, "update")
    world.save_assessment(assessment)
    return Verdict("taken", assessment)


def add_to_story(assessment: Assessment, body: dict[str, Any], source: str) -> None:
    """Keep one good update and what it says (docs/protocol.md)."""
    stamp = body["timestamp"]
    assessment.updates.append({"received_at": time.time() * 1000, "source": source, "body": body})
    assessment.last_timestamp = stamp
    status = body.get("assessment_status")
    if status is not None:
        assessment.status = str(status["value"])
        assessment.history.append({"at": stamp, "status": assessment.status})
        if status["value"] == "Started" and assessment.started_at is None:
            assessment.started_at = stamp
    if "assessment_profile_url" in body:
        assessment.report_url = body["assessment_profile_url"]["value"]
    if "assessment_result" in body:
        assessment.result = body["assessment_result"]["value"]
        assessment.completed_at = assessment.completed_at or stamp
        assessment.history.append({"at": stamp, "result": assessment.result})
    if "cancelled_reason" in body:
        assessment.cancelled_reason = body["cancelled_reason"]["value"]
        assessment.cancelled_at = stamp
        assessment.history.append({"at": stamp, "cancelled_reason": assessment.cancelled_reason})
    _merge_metadata(assessment, body.get("metadata", []))


def note_bad_answer(world: World, org: Org, message: str) -> None:
    """Count an answer of the portal that breaks the partner protocol."""
    ledger = world.ledger(org.slug)
    ledger.bad_answers += 1
    _add_reason(ledger, f"answer: {message}", None, "bad_answer")
    world.save_ledger(ledger)


def ledger_json(world: World, org: Org) -> dict[str, Any]:
    """The counts of `GET /control/ledger` for one org."""
    assessments, orders, ledger = world.assessments_of(org), world.orders_of(org), world.ledger(org.slug)
    references = {order.reference_id for order in orders}
    return {
        "org": org.slug,
        "orders": len(orders),
        "placed_twice": len(orders) - len(references),
        "assessments": len(assessments),
        "updates_taken": sum(one.taken for one in assessments),
        "refused": ledger.refused,
        "refused_reasons": ledger.reasons,
        "refusals": ledger.refusals,
        "not_found": ledger.not_found,
        "repeats": ledger.repeats,
        "out_of_order": ledger.out_of_order,
        "updates_after_end": ledger.updates_after_end,
        "bad_answers": ledger.bad_answers,
    }


def _repeats(assessment: Assessment, body: dict[str, Any]) -> bool:
    """Whether this is the last update once more, to the letter."""
    if not assessment.updates or body["timestamp"] != assessment.last_timestamp:
        return False
    return _canonical(assessment.updates[-1]["body"]) == _canonical(body)


def _objection(ledger: Ledger, assessment: Assessment, body: dict[str, Any]) -> str:
    """Why this assessment cannot take this update now; empty if it can."""
    stamp, last = body["timestamp"], assessment.last_timestamp
    if stamp <= last:
        ledger.out_of_order += 1
        return f"timestamp: must grow strictly with each update, {stamp} does not come after {last}"
    if assessment.cancelled_at is not None:
        ledger.updates_after_end += 1
        return "assessment_id: this assessment is cancelled and takes no more updates"
    if assessment.completed_at is not None and not _says_something_new(assessment, body):
        ledger.updates_after_end += 1
        return "assessment_result: this assessment is complete and takes a changed result or status only"
    return ""


def _says_something_new(assessment: Assessment, body: dict[str, Any]) -> bool:
    """After completion: an unknown status (a dispute, say), or a changed result or report."""
    status = body.get("assessment_status")
    if status is not None and str(status["value"]) not in (*KNOWN_STATUSES, assessment.status):
        return True
    if "assessment_result" not in body:
        return False
    said = (body["assessment_result"]["value"], body["assessment_profile_url"]["value"])
    return said != (assessment.result, assessment.report_url)


def _merge_metadata(assessment: Assessment, news: list[dict[str, Any]]) -> None:
    """An identifier names one datum: a later one replaces an earlier one in place."""
    by_identifier = {item["identifier"]: item for item in assessment.metadata}
    by_identifier.update({item["identifier"]: item for item in news})
    assessment.metadata = list(by_identifier.values())


def _refused(
    world: World, org: Org, body: Any, assessment: Assessment | None, code: str, message: str
) -> Verdict:
    ledger = world.ledger(org.slug)
    ledger.refused += 1
    named = body.get("assessment_id") if isinstance(body, dict) else None
    _add_reason(ledger, message, named if isinstance(named, str) else None, code)
    world.save_ledger(ledger)
    return Verdict("refused", assessment, code, message)


def _add_reason(ledger: Ledger, message: str, assessment_id: str | None, code: str) -> None:
    # Numbers differ in every out-of-order message: counted under one heading.
    heading = message.partition(", ")[0] if message.startswith("timestamp: must grow") else message
    if heading in ledger.reasons or len(ledger.reasons) < _KEPT_REFUSALS:
        ledger.reasons[heading] = ledger.reasons.get(heading, 0) + 1
    ledger.refusals.append(
        {"at": time.time() * 1000, "code": code, "message": message, "assessment_id": assessment_id}
    )
    del ledger.refusals[:-_KEPT_REFUSALS]


def _canonical(body: Any) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)
