"""The assessments of the stand-in Ashby: accepts updates, or refuses them with the exact reason."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.ashby.rules import update_problems
from integrations.sandbox.models import Assessment, Ledger, Org
from integrations.sandbox.state import State

#: Statuses that a complete assessment cannot return to.
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
_MAX_REFUSALS = 200


@dataclass(frozen=True)
class Verdict:
    """The outcome of one update: ``taken``, ``repeat``, or ``refused`` with a code and a message."""

    outcome: str
    assessment: Assessment | None = None
    code: str = ""
    message: str = ""


def receive_update(state: State, org: Org, body: Any) -> Verdict:
    """Check one `assessment.update` by every rule of docs/protocol.md, and apply it if it is valid."""
    problems = update_problems(body)
    if problems:
        return _refused(state, org, body, None, "invalid_input", "; ".join(problems[:5]))
    assessment = state.assessments.get(body["assessment_id"].lower())
    if assessment is None or assessment.org != org.slug:
        state.ledger(org.slug).not_found += 1
        return _refused(state, org, body, None, "assessment_not_found", "Assessment not found.")
    if _is_repeat(assessment, body):
        assessment.repeats += 1
        state.ledger(org.slug).repeats += 1
        state.save_ledger(state.ledger(org.slug))
        state.save_assessment(assessment)
        return Verdict("repeat", assessment)
    refusal = _refusal(state.ledger(org.slug), assessment, body)
    if refusal:
        return _refused(state, org, body, assessment, "invalid_input", refusal)
    apply_update(assessment, body, "update")
    state.save_assessment(assessment)
    return Verdict("taken", assessment)


def apply_update(assessment: Assessment, body: dict[str, Any], source: str) -> None:
    """Store a valid update and apply it to the assessment. ``source``: ``start`` or ``update``."""
    timestamp = body["timestamp"]
    assessment.updates.append({"received_at": time.time() * 1000, "source": source, "body": body})
    assessment.last_timestamp = timestamp
    status = body.get("assessment_status")
    if status is not None:
        assessment.status = str(status["value"])
        assessment.history.append({"at": timestamp, "status": assessment.status})
        if status["value"] == "Started" and assessment.started_at is None:
            assessment.started_at = timestamp
    if "assessment_profile_url" in body:
        assessment.report_url = body["assessment_profile_url"]["value"]
    if "assessment_result" in body:
        assessment.result = body["assessment_result"]["value"]
        assessment.completed_at = assessment.completed_at or timestamp
        assessment.history.append({"at": timestamp, "result": assessment.result})
    if "cancelled_reason" in body:
        assessment.cancelled_reason = body["cancelled_reason"]["value"]
        assessment.cancelled_at = timestamp
        assessment.history.append({"at": timestamp, "cancelled_reason": assessment.cancelled_reason})
    _merge_metadata(assessment, body.get("metadata", []))


def count_bad_answer(state: State, org: Org, message: str) -> None:
    """Count an answer of the portal that violates the protocol."""
    ledger = state.ledger(org.slug)
    ledger.bad_answers += 1
    _add_reason(ledger, f"answer: {message}", None, "bad_answer")
    state.save_ledger(ledger)


def ledger_json(state: State, org: Org) -> dict[str, Any]:
    """One organization's counts, for `GET /control/ledger`."""
    assessments, orders, ledger = state.assessments_of(org), state.orders_of(org), state.ledger(org.slug)
    references = {order.reference_id for order in orders}
    return {
        "org": org.slug,
        "orders": len(orders),
        "placed_twice": len(orders) - len(references),
        "assessments": len(assessments),
        "updates_taken": sum(one.accepted_updates for one in assessments),
        "refused": ledger.refused,
        "refused_reasons": ledger.reasons,
        "refusals": ledger.refusals,
        "not_found": ledger.not_found,
        "repeats": ledger.repeats,
        "out_of_order": ledger.out_of_order,
        "updates_after_end": ledger.updates_after_end,
        "bad_answers": ledger.bad_answers,
    }


def _is_repeat(assessment: Assessment, body: dict[str, Any]) -> bool:
    """Whether the update equals the last one."""
    if not assessment.updates or body["timestamp"] != assessment.last_timestamp:
        return False
    return _canonical(assessment.updates[-1]["body"]) == _canonical(body)


def _refusal(ledger: Ledger, assessment: Assessment, body: dict[str, Any]) -> str:
    """Why the assessment cannot accept the update now; empty if it can. Counts the reason."""
    timestamp, last = body["timestamp"], assessment.last_timestamp
    if timestamp <= last:
        ledger.out_of_order += 1
        return f"timestamp: must grow strictly with each update, {timestamp} does not come after {last}"
    if assessment.cancelled_at is not None:
        ledger.updates_after_end += 1
        return "assessment_id: this assessment is cancelled and takes no more updates"
    if assessment.completed_at is not None and not _has_changes(assessment, body):
        ledger.updates_after_end += 1
        return "assessment_result: this assessment is complete and takes a changed result or status only"
    return ""


def _has_changes(assessment: Assessment, body: dict[str, Any]) -> bool:
    """Whether an update after completion has an undocumented status (such as a dispute), or another result or
    report."""
    status = body.get("assessment_status")
    if status is not None and str(status["value"]) not in (*KNOWN_STATUSES, assessment.status):
        return True
    if "assessment_result" not in body:
        return False
    result = (body["assessment_result"]["value"], body["assessment_profile_url"]["value"])
    return result != (assessment.result, assessment.report_url)


def _merge_metadata(assessment: Assessment, items: list[dict[str, Any]]) -> None:
    """An item replaces the earlier item with the same identifier."""
    by_identifier = {item["identifier"]: item for item in assessment.metadata}
    by_identifier.update({item["identifier"]: item for item in items})
    assessment.metadata = list(by_identifier.values())


def _refused(
    state: State, org: Org, body: Any, assessment: Assessment | None, code: str, message: str
) -> Verdict:
    ledger = state.ledger(org.slug)
    ledger.refused += 1
    identifier = body.get("assessment_id") if isinstance(body, dict) else None
    _add_reason(ledger, message, identifier if isinstance(identifier, str) else None, code)
    state.save_ledger(ledger)
    return Verdict("refused", assessment, code, message)


def _add_reason(ledger: Ledger, message: str, assessment_id: str | None, code: str) -> None:
    # The numbers in these messages differ: they are counted under one heading.
    heading = message.partition(", ")[0] if message.startswith("timestamp: must grow") else message
    if heading in ledger.reasons or len(ledger.reasons) < _MAX_REFUSALS:
        ledger.reasons[heading] = ledger.reasons.get(heading, 0) + 1
    ledger.refusals.append(
        {"at": time.time() * 1000, "code": code, "message": message, "assessment_id": assessment_id}
    )
    del ledger.refusals[:-_MAX_REFUSALS]


def _canonical(body: Any) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)
