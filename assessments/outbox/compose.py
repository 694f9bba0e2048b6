"""Writes updates for Ashby into the outbox, in the transaction of the change that they report.

An update carries Justifacts' own text, even if it contains the candidate's name. Only the summary, which
support reads, masks the name. Each function takes a locked order; the caller saves it.

Source: ``docs/protocol.md`` (Ashby's OpenAPI for ``assessment.update``). The identifiers of an update's data
are unique; ``assessment_result`` needs ``assessment_profile_url``; the status value ``Started`` makes Ashby
store the start time; the timestamps of an order's updates increase strictly.
"""

from dataclasses import replace
from datetime import datetime

from django.conf import settings

from assessments.models import AshbyUpdate, Order
from assessments.statuses import ASHBY_LABELS, RESULTS, SENDING_LABEL, Status, asks_for_a_look
from assessments.text import epoch_ms
from integrations.compiled import insert
from integrations.partner_protocol.messages import AssessmentUpdate, Data
from integrations.partner_protocol.parsing import JSON
from integrations.redaction import MASK, mask

#: The longest result that is stored.
LONGEST_RESULT = 500


def start_response_update(order: Order) -> JSON:
    """The ``update_request`` in the answer to a start. A repeated start gets the same one."""
    return AssessmentUpdate(
        assessment_id=str(order.assessment_id),
        timestamp=epoch_ms(order.created_at),
        status=_status(SENDING_LABEL),
    ).as_json()


def enqueue_status(order: Order, status: Status, now: datetime) -> None:
    """Add the labels of a status before the end, in their order."""
    for label in ASHBY_LABELS[status]:
        enqueue_raw_status(order, label, now)


def enqueue_raw_status(order: Order, label: str, now: datetime) -> None:
    """Add a status verbatim."""
    _write(order, label, AssessmentUpdate(status=_status(label), metadata=_metadata(order)), now)


def enqueue_stall_note(order: Order, sentence: str, now: datetime) -> None:
    """Add the status that Ashby already shows, with the reason why the order is stalled (nothing about the
    candidate). The next update's metadata replaces the reason."""
    waiting = Data("waiting", "Waiting", "string", sentence)
    label = ashby_label(order)
    body = AssessmentUpdate(status=_status(label), metadata=(*_metadata(order), waiting))
    _write(order, f"{label}, waiting", body, now)


def enqueue_completion(order: Order, now: datetime, result_verbatim: str = "") -> None:
    """Add the completion, with result, report and turnaround. The status is complete, or an unknown status
    that Justifacts has sent since; the result keeps Ashby's card complete. ``result_verbatim``: Justifacts'
    own text; without it, the result of the last update that had the stored one."""
    label, metadata = ashby_label(order), _metadata(order)
    notes_url = order.organization.adverse_action_url
    if notes_url and asks_for_a_look(order.result):
        notes = Data("adverse_action_notes", "Your company's adverse-action notes", "url", notes_url)
        metadata = (*metadata, notes)
    body = AssessmentUpdate(
        status=_status(label),
        result=Data("result", "Result", "string", result_verbatim or _result_as_sent(order)),
        profile_url=Data("report", "Report", "url", order.report_url or order_url(order)),
        metadata=metadata,
    )
    _write(order, f"{label}: {order.result}", body, now)


def stored_result(order: Order, result: str) -> str:
    """The result as it is stored, unencrypted and for statistics: without the candidate's name. Known results
    and single words are not masked, because a candidate may be called Clear or Green."""
    if result in RESULTS or result.isalpha():
        return result
    # The mask may be longer than the name.
    return str(mask(result, order.personal_data))[:LONGEST_RESULT]


def _result_as_sent(order: Order) -> str:
    """The stored result; if it has a masked name, the verbatim result of the update that sent it."""
    if MASK in order.result:
        for update in order.updates.order_by("-sequence"):
            sent = str((update.payload.get("assessment_result") or {}).get("value", ""))
            if stored_result(order, sent) == order.result:
                return sent
    return order.result


def enqueue_cancellation(order: Order, reason: str, now: datetime) -> None:
    """Add the end of a cancelled or rejected order, with the reason."""
    data = Data("cancelled_reason", "Cancelled", "string", reason)
    _write(order, f"Cancelled: {reason}", AssessmentUpdate(cancelled_reason=data), now)


def enqueue_present_status(order: Order, now: datetime) -> None:
    """Add the order's present status and result, or its end; nothing for an order that is only accepted."""
    status = Status(order.status)
    if status in (Status.CANCELLED, Status.REJECTED):
        enqueue_cancellation(order, order.closing_reason, now)
    elif status == Status.COMPLETE:
        enqueue_completion(order, now)
    elif order.status_unrecognized:
        enqueue_raw_status(order, order.justifacts_status, now)
    elif status in ASHBY_LABELS:
        enqueue_status(order, status, now)


def enqueue_resend(order: Order, update: AshbyUpdate, now: datetime) -> None:
    """Add a copy of an earlier update, with a new timestamp."""
    _put(order, update.summary, dict(update.payload), now)


def add_delivered(order: Order, update: AshbyUpdate) -> None:
    """Add an update that Ashby accepted before the database was restored; only its number is missing."""
    order.last_sequence += 1
    order.last_timestamp = max(order.last_timestamp, update.timestamp)
    update.sequence = order.last_sequence
    update.save()


def renew_timestamp(order: Order, update: AshbyUpdate, now: datetime) -> None:
    """Give an undelivered update a new timestamp after a restore, because Ashby may have newer updates that
    the database lacks, and refuses older ones."""
    update.timestamp = _next_timestamp(order, now)
    update.payload = update.payload | {"timestamp": update.timestamp}
    update.save()


def order_url(order: Order) -> str:
    """The order's page in the portal."""
    return f"{settings.PORTAL_BASE_URL}/orders/{order.assessment_id}/"


def ashby_label(order: Order) -> str:
    """The status that Ashby shows once it has accepted all updates of the order."""
    if order.status_unrecognized:
        return order.justifacts_status
    return ASHBY_LABELS.get(Status(order.status), (SENDING_LABEL,))[-1]


def _status(label: str) -> Data:
    return Data("status", "Status", "string", label)


def _metadata(order: Order) -> tuple[Data, ...]:
    data = [Data("package", "Package", "string", order.package.label)]
    if order.justifacts_order_id:
        data.append(Data("order_number", "Justifacts order number", "string", order.justifacts_order_id))
    if order.turnaround_minutes is not None:
        data.append(Data("turnaround", "Turnaround", "numeric_duration_minutes", order.turnaround_minutes))
    return tuple(data)


def _write(order: Order, summary: str, body: AssessmentUpdate, now: datetime) -> None:
    _put(order, summary, replace(body, assessment_id=str(order.pk)).as_json(), now)


def _put(order: Order, summary: str, payload: JSON, now: datetime) -> None:
    timestamp = _next_timestamp(order, now)
    order.last_sequence += 1
    update = AshbyUpdate(
        order=order,
        organization_id=order.organization_id,
        sequence=order.last_sequence,
        timestamp=timestamp,
        payload=payload | {"timestamp": timestamp},
        summary=mask(summary, order.personal_data)[:600],
        next_attempt_at=now,
    )
    insert(update)


def _next_timestamp(order: Order, now: datetime) -> int:
    # Also for two updates within a millisecond, and after the clock was set back.
    order.last_timestamp = max(epoch_ms(now), order.last_timestamp + 1)
    return order.last_timestamp
