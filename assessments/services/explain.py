"""What an order is, for people and machines who ask: where it stands and why, and all its facts."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from assessments.models import NextCall, Order, Update
from assessments.statuses import Status, status_of

from .health import WORK_LATE
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
        "job": order.job_name or order.job_id,
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
    """A few sentences in plain words: what is so, why it waits, and what happens next."""
    parts = [order.attention_reason, _at_justifacts(order, now), _at_ashby(order, now)]
    return " ".join(_sentence(part) for part in parts if part)


def _at_justifacts(order: Order, now: datetime) -> str:
    if order.has_ended:
        return _after_the_end(order, now)
    since = in_words(order.status_since)
    when = _when(order, order.next_call_at, now)
    if order.next_call in (NextCall.PLACE, NextCall.LOOK_UP) and order.needs_attention:
        return f"The next try is {when}."
    if order.next_call == NextCall.LOOK_UP:
        return (
            f"Whether Justifacts took the order is not known; the portal asks Justifacts {when}. "
            f"{order.call_error}"
        )
    if order.next_call == NextCall.PLACE and order.call_failures:
        return (
            f"Not yet sent to Justifacts, after {_tries(order.call_failures)}: "
            f"{_sentence(order.call_error)} The next try is {when}."
        )
    if order.next_call == NextCall.PLACE:
        return f"Accepted on {since}; it is sent to Justifacts {when}."
    word = order.justifacts_status or order.get_status_display()
    if order.next_call == NextCall.NONE:
        return f"“{word}” since {since}. Nothing more is asked of Justifacts."
    trouble = f" The last question failed: {order.call_error}" if order.call_error else ""
    if status_of(word) is None and order.justifacts_status:
        return (
            f"Justifacts says “{word}”, a status that the portal does not know; Ashby is told so as it "
            f"stands. Justifacts is asked again {when}.{trouble}"
        )
    return f"“{word}” since {since}; Justifacts is asked again {when}.{trouble}"


def _after_the_end(order: Order, now: datetime) -> str:
    since = in_words(order.status_since)
    when = _when(order, order.next_call_at, now)
    if order.status == Status.REJECTED:
        return f"Justifacts refused the order on {since}: {order.end_reason}"
    if order.status == Status.COMPLETE:
        again = f" Should the result change: Justifacts is asked again {when}."
        polled = order.next_call == NextCall.POLL
        return f"Complete since {in_words(order.completed_at or order.status_since)}: {order.result}." + (
            again if polled else ""
        )
    ended = f"Cancelled since {since}: {_sentence(order.end_reason)}"
    if order.next_call == NextCall.CANCEL:
        return f"{ended} Justifacts is told so {when}. {order.call_error}"
    if order.next_call in (NextCall.PLACE, NextCall.LOOK_UP):
        return f"{ended} Whether Justifacts has the order is not known; the portal asks Justifacts {when}."
    return ended


def _at_ashby(order: Order, now: datetime) -> str:
    """What Ashby does not know yet and why; for an order that has ended also that it knows all."""
    unsaid = order.updates.filter(state__in=Update.UNSAID).order_by("sequence")
    head = unsaid.first()
    if head is None:
        return _told(order) if order.has_ended else ""
    connection = order.organization.connection
    if connection.paused_at:
        return f"Waiting for Ashby since {in_words(connection.paused_at)}: {connection.pause_reason}"
    if head.state == Update.State.REFUSED and order.needs_attention:
        return ""  # The reason for attention says it.
    if head.state == Update.State.REFUSED:
        return (
            f"Ashby refused “{head.summary}”: {_sentence(head.last_error)} It and what follows wait until a "
            "person retries it or sets it aside."
        )
    more = unsaid.count() - 1
    others = f" and {more} more" if more else ""
    tries = f", after {_tries(head.attempt_count)}" if head.last_error else ""
    why = f": {head.last_error}" if head.last_error else "."
    return f"Ashby is told “{head.summary}”{others} {_when(order, head.due_at, now)}{tries}{why}"


def _told(order: Order) -> str:
    last = order.updates.order_by("sequence").last()
    if last is None:
        return ""
    if last.state == Update.State.SET_ASIDE:
        return f"Ashby was not told “{last.summary}”: a person set it aside."
    return "Ashby has been told."


def next_in_short(order: Order, *, waits_for_ashby: bool, now: datetime) -> str:
    """What happens next, in a few words for a list: from the order and its connection alone."""
    connection = order.organization.connection
    if order.needs_attention:
        return "A person decides"
    if not connection.is_enabled and (waits_for_ashby or order.next_call != NextCall.NONE):
        return "Nothing: the connection is switched off"
    if waits_for_ashby and connection.paused_at:
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
    at = order.next_call_at
    when = "later" if at is None else "now" if at <= now else f"in {in_largest_unit(at - now)}"
    return f"{words[NextCall(order.next_call)]} {when}"


def in_largest_unit(length: timedelta) -> str:
    """A length of time for a narrow column: its largest unit."""
    seconds = max(int(length.total_seconds()), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _when(order: Order, moment: datetime | None, now: datetime) -> str:
    if not order.organization.connection.is_enabled:
        return "once the organization's connection, which is switched off, is switched on"
    if moment is None:
        return "when a person asks for it"
    if now - moment > WORK_LATE:
        return f"now (due since {in_words(moment)}: if it stays so, the portal's worker does not run)"
    if moment <= now:
        return "now"
    at = in_words(moment) if moment - now >= timedelta(days=1) else f"{moment:%H:%M:%S} UTC"
    return f"in {in_largest_unit(moment - now)} ({at})"


def _tries(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def _sentence(text: str) -> str:
    """With an end: the other side's words often have none."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
