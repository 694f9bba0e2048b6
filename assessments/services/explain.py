"""What an order is, for people and machines who ask: where it stands and why, and all its facts."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from assessments.models import NextCall, Order, Update
from assessments.statuses import Status

from .waits import in_words


def as_json(order: Order) -> dict[str, Any]:
    """The order with its timeline, its updates and their attempts."""
    return {
        **in_short(order),
        "organization_slug": order.organization.slug,
        "package_id": str(order.package.assessment_type_id),
        "result": order.result or None,
        "report_url": order.report_url or None,
        "justifacts_order_id": order.justifacts_order_id or None,
        "justifacts_status": order.justifacts_status or None,
        "reason": order.end_reason or None,
        "job_id": order.job_id,
        "application_id": order.application_id,
        "where_it_stands": where_it_stands(order, timezone.now()),
        "placed_at": _time(order.placed_at),
        "completed_at": _time(order.completed_at),
        "next_call": order.next_call or None,
        "next_call_at": _time(order.next_call_at),
        "call_error": order.call_error or None,
        "events": [
            {"at": _time(event.at), "source": event.source, "kind": event.kind, "summary": event.summary}
            for event in order.events.all()
        ],
        "updates": [
            _update(update) for update in order.updates.order_by("sequence").prefetch_related("attempts")
        ],
        "attempts": [_attempt(attempt) for attempt in order.attempts.filter(update=None)],
    }


def in_short(order: Order) -> dict[str, Any]:
    """One line of a list: nothing about the candidate."""
    return {
        "assessment_id": str(order.assessment_id),
        "organization": order.organization.name,
        "package": order.package.label,
        "job": order.job_name,
        "status": order.status,
        "result": order.result or None,
        "needs_attention": order.needs_attention,
        "attention_reason": order.attention_reason or None,
        "created_at": _time(order.created_at),
    }


def _update(update: Update) -> dict[str, Any]:
    return {
        "sequence": update.sequence,
        "timestamp": update.timestamp,
        "state": update.state,
        "summary": update.summary,
        "attempts": [_attempt(attempt) for attempt in update.attempts.all()],
        "attempt_count": update.attempt_count,
        "due_at": _time(update.due_at),
        "delivered_at": _time(update.delivered_at),
        "last_error": update.last_error or None,
        "warnings": update.warnings,
        "payload": update.payload,
    }


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "at": _time(attempt.at),
        "call": attempt.call,
        "outcome": attempt.outcome,
        "http_status": attempt.http_status,
        "milliseconds": attempt.milliseconds,
        "request_id": attempt.request_id or None,
        "message": attempt.message or None,
        "answer": attempt.answer or None,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def where_it_stands(order: Order, now: datetime) -> str:
    """One or two sentences in plain words: what is so, why it waits, and what happens next."""
    parts = [order.attention_reason] if order.needs_attention else [_at_justifacts(order, now)]
    waiting = _at_ashby(order, now)
    if waiting and waiting != order.attention_reason:
        parts.append(waiting)
    return " ".join(parts)


def _at_justifacts(order: Order, now: datetime) -> str:
    since = in_words(order.status_since)
    when = _when(order.next_call_at, now)
    match order.status:
        case Status.COMPLETE:
            return f"Complete since {since}: {order.result}."
        case Status.REJECTED:
            return f"Justifacts refused the order on {since}: {order.end_reason}"
        case Status.CANCELLED:
            pending = order.next_call == NextCall.CANCEL
            return f"Cancelled since {since}: {order.end_reason}." + (
                f" Justifacts is told {when}. {order.call_error}".rstrip() if pending else ""
            )
    if order.next_call == NextCall.LOOK_UP:
        return (
            "Whether Justifacts took the order is not known; the portal asks Justifacts "
            f"{when}. {order.call_error}"
        ).rstrip()
    if order.next_call == NextCall.PLACE and order.call_failures:
        return f"Not yet sent to Justifacts: {order.call_error} The next try is {when}."
    if order.next_call == NextCall.PLACE:
        return f"Accepted on {since}; being sent to Justifacts {when}."
    trouble = f" The last question failed: {order.call_error}" if order.call_error else ""
    word = order.justifacts_status or order.get_status_display()
    return f"“{word}” since {since}; Justifacts is asked again {when}.{trouble}"


def _at_ashby(order: Order, now: datetime) -> str:
    """Why Ashby does not know everything yet; empty where it does."""
    unsaid = order.updates.filter(state__in=Update.UNSAID).order_by("sequence")
    head = unsaid.first()
    if head is None:
        return ""
    connection = order.organization.connection
    if connection.paused_at:
        return f"Waiting for Ashby since {in_words(connection.paused_at)}: {connection.pause_reason}"
    if head.state == Update.State.REFUSED:
        return (
            f"Ashby refused “{head.summary}”: {head.last_error} It and what follows wait until a person "
            "retries it or sets it aside."
        )
    more = unsaid.count() - 1
    others = f" and {more} more" if more else ""
    why = f": {head.last_error}" if head.last_error else "."
    return f"Ashby is told “{head.summary}”{others} {_when(head.due_at, now)}{why}"


def next_in_short(order: Order, *, waits_for_ashby: bool, now: datetime) -> str:
    """What happens next, in a few words for a list: from the order and its connection alone."""
    if order.needs_attention:
        return "A person decides"
    if waits_for_ashby and order.organization.connection.paused_at:
        return "Paused: Ashby refuses the key"
    if waits_for_ashby:
        return "Ashby is told"
    words = {
        NextCall.PLACE: "Sent to Justifacts",
        NextCall.LOOK_UP: "Justifacts is asked whether it has the order",
        NextCall.CANCEL: "Justifacts is told to cancel",
        NextCall.POLL: "Justifacts is asked",
    }
    if order.next_call not in words:
        return "Nothing"
    return f"{words[NextCall(order.next_call)]} {_when(order.next_call_at, now)}"


def _when(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "when a person asks for it"
    return "now" if moment <= now else f"at {moment:%H:%M:%S} UTC on {moment:%Y-%m-%d}"
