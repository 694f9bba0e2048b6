"""Writes what Ashby must be told into the outbox, in the transaction of the change itself. Ashby is told
Justifacts' own words, also where one of them is the candidate's name; only the summary, which support reads,
hides it.

Shapes and rules: ``docs/protocol.md`` (Ashby's OpenAPI for ``assessment.update``): identifiers are
unique among our data; ``assessment_result`` needs ``assessment_profile_url``; a status whose
value is ``Started`` makes Ashby store the start time; timestamps grow strictly.
"""

from datetime import datetime

from django.conf import settings

from assessments.models import AshbyUpdate, Order
from assessments.statuses import ASHBY_LABELS, RESULTS, SENDING_LABEL, Status, asks_for_a_look
from assessments.text import epoch_ms
from integrations.partner_protocol.messages import AssessmentUpdate, Data
from integrations.partner_protocol.parsing import JSON
from integrations.redaction import MASK, mask

#: The longest result that is kept.
LONGEST_RESULT = 500


def start_response_update(order: Order) -> JSON:
    """The ``update_request`` in the answer to a start; the same each time it is asked for."""
    return AssessmentUpdate(
        assessment_id=str(order.assessment_id),
        timestamp=epoch_ms(order.created_at),
        status=_status(SENDING_LABEL),
    ).as_json()


def enqueue_status(order: Order, status: Status, now: datetime) -> None:
    """The labels of a status on the way, in their order."""
    for label in ASHBY_LABELS[status]:
        enqueue_raw_status(order, label, now)


def enqueue_raw_status(order: Order, word: str, now: datetime) -> None:
    """A status as it stands."""
    _write(order, word, now, status=_status(word), metadata=_metadata(order))


def enqueue_stall_note(order: Order, sentence: str, now: datetime) -> None:
    """The status that Ashby shows already, with the reason why it stands still (nothing about the
    candidate). The next update's metadata takes the reason's place."""
    waiting = Data("waiting", "Waiting", "string", sentence)
    label = ashby_label(order)
    _write(order, f"{label}, waiting", now, status=_status(label), metadata=(*_metadata(order), waiting))


def enqueue_completion(order: Order, now: datetime, result_as_said: str = "") -> None:
    """Complete, or the unknown word that Justifacts has said since, with result, report and turnaround: the
    result's presence keeps Ashby's card complete. ``result_as_said``: word for word; without it, the one that
    was told before."""
    label = ashby_label(order)
    _write(
        order,
        f"{label}: {order.result}",
        now,
        status=_status(label),
        result=Data("result", "Result", "string", result_as_said or _result_as_sent(order)),
        profile_url=Data("report", "Report", "url", order.report_url or order_url(order)),
        metadata=(*_metadata(order), *_notes(order)),
    )


def stored_result(order: Order, result: str) -> str:
    """The result as it is stored, in clear and for statistics: without the candidate's name. Results that the
    portal knows stay as they are, and so does a single word: a candidate may be called Clear, or Green."""
    if result in RESULTS or result.isalpha():
        return result
    # What hides a name of one letter is longer than the name.
    return str(mask(result, order.personal_data))[:LONGEST_RESULT]


def _result_as_sent(order: Order) -> str:
    """The stored result, or, where that hides a name, the words of the update that told it."""
    if MASK in order.result:
        for update in order.updates.order_by("-sequence"):
            told = str((update.payload.get("assessment_result") or {}).get("value", ""))
            if stored_result(order, told) == order.result:
                return told
    return order.result


def enqueue_cancellation(order: Order, reason: str, now: datetime) -> None:
    """Cancelled or rejected, with the reason."""
    _write(
        order,
        f"Cancelled: {reason}",
        now,
        cancelled_reason=Data("cancelled_reason", "Cancelled", "string", reason),
    )


def enqueue_resend(order: Order, update: AshbyUpdate, now: datetime) -> None:
    """What was told before, as it stands, under a timestamp of its own."""
    _put(order, update.summary, dict(update.payload), now)


def order_url(order: Order) -> str:
    """The order's page in the portal, for those who may sign in to it."""
    return f"{settings.PORTAL_BASE_URL}/orders/{order.assessment_id}/"


def ashby_label(order: Order) -> str:
    """What Ashby's card says of an order once it has taken all that was written."""
    if order.status_unrecognized:
        return order.justifacts_status
    return ASHBY_LABELS.get(Status(order.status), (SENDING_LABEL,))[-1]


def _status(word: str) -> Data:
    return Data("status", "Status", "string", word)


def _metadata(order: Order) -> tuple[Data, ...]:
    data = [Data("package", "Package", "string", order.package.label)]
    if order.justifacts_order_id:
        data.append(Data("order_number", "Justifacts order number", "string", order.justifacts_order_id))
    if order.turnaround_minutes is not None:
        data.append(Data("turnaround", "Turnaround", "numeric_duration_minutes", order.turnaround_minutes))
    return tuple(data)


def _write(
    order: Order,
    summary: str,
    now: datetime,
    *,
    status: Data | None = None,
    result: Data | None = None,
    profile_url: Data | None = None,
    cancelled_reason: Data | None = None,
    metadata: tuple[Data, ...] = (),
) -> None:
    body = AssessmentUpdate(
        assessment_id=str(order.assessment_id),
        timestamp=None,
        status=status,
        result=result,
        profile_url=profile_url,
        cancelled_reason=cancelled_reason,
        metadata=metadata,
    )
    _put(order, summary, body.as_json(), now)


def _notes(order: Order) -> tuple[Data, ...]:
    """Where a result asks for a look, what the recruiter's own company wants done before a decision."""
    address = order.organization.adverse_action_url
    if not (address and asks_for_a_look(order.result)):
        return ()
    return (Data("adverse_action_notes", "Your company's adverse-action notes", "url", address),)


def _put(order: Order, summary: str, payload: JSON, now: datetime) -> None:
    # Two updates made in one millisecond, and a clock that was set back, still need growing timestamps.
    order.last_timestamp = max(epoch_ms(now), order.last_timestamp + 1)
    order.last_sequence += 1
    AshbyUpdate.objects.create(
        order=order,
        sequence=order.last_sequence,
        timestamp=order.last_timestamp,
        payload=payload | {"timestamp": order.last_timestamp},
        summary=mask(summary, order.personal_data)[:600],
        next_attempt_at=now,
    )
