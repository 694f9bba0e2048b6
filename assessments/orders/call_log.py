"""The call log: calls that the portal made for an order, and calls that it received, redacted."""

from datetime import datetime, timedelta
from typing import Any

from assessments.models import AshbyUpdate, CallAttempt, InboundRequest, Order
from integrations.compiled import insert
from integrations.http.errors import Answer, CallFailed
from integrations.http.strict_json import sanitize_json
from integrations.models import Connection
from integrations.partner_protocol.cleaning import clean_line
from integrations.redaction import MASK, personal_terms, redact, redact_text


def log_attempt(
    order: Order,
    call: CallAttempt.Call,
    answer: Answer,
    failure: CallFailed | None,
    ended_at: datetime,
    *,
    update: AshbyUpdate | None = None,
) -> None:
    """Log one call that the portal made. Nothing is logged for an order that was erased during the call,
    because the answer would contain the candidate's data again."""
    if order.is_erased:
        return
    attempt = CallAttempt(
        order=order,
        update=update,
        call=call,
        at=ended_at - timedelta(milliseconds=answer.milliseconds),
        milliseconds=answer.milliseconds,
        http_status=answer.status,
        outcome=failure.outcome if failure else "taken",
        request_id=answer.request_id,
        message=failure.message if failure else "",
        answer=answer.excerpt,
    )
    insert(attempt)


#: Calls that only read are logged, and recorded on the connection, at most this often.
_READS_KEPT_EVERY = timedelta(minutes=1)
#: Larger bodies, in bytes, are not logged.
_LARGEST_KEPT = 64 * 1024


def log_body(call: InboundRequest, body: dict[str, Any], size: int, key: str) -> None:
    """Put the whole body into the entry, including unknown fields, without personal data and without ``key``,
    the key of the call. ``size`` is in bytes."""
    if size > _LARGEST_KEPT:
        call.body = {"omitted": f"{size} bytes"}
    else:
        hide = _about_the_candidate(body)
        call.body = redact(_without_answers(sanitize_json(body)), hide=hide, secrets=[key])


def _without_answers(body: dict[str, Any]) -> dict[str, Any]:
    """The answers to the organization's custom fields may contain anything, such as a date of birth. The
    order stores them encrypted; the log keeps only the names of the fields."""
    kept = {name: _without_answers(part) if isinstance(part, dict) else part for name, part in body.items()}
    if fields := body.get("additional_fields"):
        # In another shape the portal does not read them, but they may contain as much.
        kept["additional_fields"] = dict.fromkeys(fields, MASK) if isinstance(fields, dict) else MASK
    return kept


def _about_the_candidate(body: dict[str, Any]) -> tuple[str, ...]:
    """The candidate's address and names, which may occur in other fields, too."""
    candidate = body.get("candidate")
    part = candidate if isinstance(candidate, dict) else {}
    values = (part.get(name) for name in ("email", "last_name", "first_name"))
    return personal_terms(*(clean_line(value) if isinstance(value, str) else "" for value in values))


def log_result(call: InboundRequest, order: Order, outcome: str) -> None:
    """Save the entry of a call about an order. For an erased order it has no body and no message."""
    if order.is_erased:
        call.body, call.message = {}, ""
    call.order, call.outcome = order, outcome
    call.save()


def log_rejection(call: InboundRequest, http_status: int, code: str, message: str) -> None:
    """Save the entry of a call that was rejected and changed nothing."""
    call.http_status, call.outcome, call.message = http_status, code, redact_text(message)
    call.save()


def record_call_from_ashby(connection: Connection, now: datetime) -> bool:
    """Record when Ashby last called, at most once a minute. Returns whether it was recorded."""
    last = connection.last_inbound_call_at
    if last is not None and now - last < _READS_KEPT_EVERY:
        return False
    Connection.objects.filter(pk=connection.pk).update(last_inbound_call_at=now)
    return True
