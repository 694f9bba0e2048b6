"""The rows that a status of Justifacts writes. Call it in a transaction."""

import time
from typing import Any

from .models import Check, Event, Message

#: What Ashby gets for a status, where it is not the status itself.
_LABELS = {"Applicant Started": ("Started", "Applicant Started")}


def apply(check: Check, update: dict[str, Any]) -> None:
    """Store a status, with the messages for Ashby; saves the check."""
    check.status = update["assessment_status"]["value"]
    result, report = update.get("assessment_result"), update.get("assessment_profile_url")
    for label in _LABELS.get(check.status, (check.status,)):
        body: dict[str, Any] = {"assessment_status": _data("status", "string", label)}
        if result and report:
            check.result, check.report_url = result["value"], report["value"]
            body["assessment_result"] = _data("result", "string", check.result)
            body["assessment_profile_url"] = _data("report", "url", check.report_url)
        _add_message(check, body)
    Event.objects.create(check_of=check, source="justifacts", summary=f"Justifacts said {check.status}.")
    check.save()


def _add_message(check: Check, body: dict[str, Any]) -> None:
    check.last_sequence += 1
    check.last_timestamp = max(int(time.time() * 1000), check.last_timestamp + 1)
    metadata = [_data("package", "string", check.package_id), _data("order_number", "string", check.number)]
    payload = body | {
        "assessment_id": str(check.id),
        "timestamp": check.last_timestamp,
        "metadata": metadata,
    }
    Message.objects.create(check_of=check, sequence=check.last_sequence, payload=payload)


def _data(identifier: str, kind: str, value: str) -> dict[str, str]:
    return {"identifier": identifier, "label": identifier.title(), "type": kind, "value": value}
