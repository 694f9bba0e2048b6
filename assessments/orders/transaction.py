"""Changes of an order: one transaction, one writer, everything that follows from it inside.

The one place where an order's status changes.

When the next thing is said to Justifacts. The callers hold and save the order.

Questions for a person: each says what happened, why, and what to do.

An order shows one question, and keeps questions about other concerns behind it, so that none of them is lost
when another one is asked or answered.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.backoff import backoff_delay
from assessments.statuses import ENDED, Status
from integrations.http.errors import CallFailed
from integrations.redaction import mask


@contextmanager
def locked_order(assessment_id: UUID) -> Iterator[Order]:
    """The order, locked, to be changed; saved at the end.

    PostgreSQL locks the row; SQLite's transactions take the write lock when they begin. Raises
    ``Order.DoesNotExist``.
    """
    with transaction.atomic():
        order = (
            Order.objects.select_for_update(of=("self",))
            .select_related("organization", "package")
            .get(pk=assessment_id)
        )
        yield order
        order.save()


def record_event(order: Order, source: OrderEvent.Source, kind: OrderEvent.Kind, summary: str) -> None:
    """Adds one line to the order's history, which is never changed and so never says who the candidate is:
    not in the other side's words, nor in a person's note."""
    summary = mask(summary, order.personal_data)
    OrderEvent.objects.create(order=order, source=source, kind=kind, summary=summary)


def record_event_once(order: Order, source: OrderEvent.Source, kind: OrderEvent.Kind, summary: str) -> None:
    """The same, but not again while the last line of this kind says just that: a poll repeats
    itself every few minutes."""
    last = order.events.filter(kind=kind).last()
    if last is None or last.summary != mask(summary, order.personal_data):
        record_event(order, source, kind, summary)


def set_status(order: Order, status: Status, now: datetime) -> None:
    """The order is in this status from now on, so it does not stand still any more. The caller holds
    and saves it, and writes down what happened."""
    order.status, order.status_since = status, now
    if status in ENDED:
        # That polls cannot be read matters no more.
        clear_attention(order, AttentionTopic.POLL)
    clear_stall(order)


def clear_stall(order: Order) -> None:
    """Takes back that the order stands still; the caller saves it."""
    order.stalled_since, order.stall_reason, order.stall_threshold = None, "", None


def schedule_call(order: Order, call: PendingCall, at: datetime | None) -> None:
    """Sets the next thing to say to Justifacts, afresh: a claim on the one before ends here."""
    order.next_call, order.next_attempt_at = call, at
    order.call_failures, order.failing_since, order.last_call_error = 0, None, ""
    order.not_found_count = 0
    order.release_lease()


def schedule_look_up(order: Order, at: datetime, *, is_precaution: bool = False) -> None:
    """Asks Justifacts whether it has the order, before the order is placed. ``is_precaution``: nothing says
    that Justifacts may have it."""
    schedule_call(order, PendingCall.LOOK_UP, at)
    order.cleared_for_placement = True
    if not is_precaution:
        order.may_have_been_sent = True


def reschedule_call(order: Order, failure: CallFailed, now: datetime) -> None:
    """The same call again, later."""
    order.call_failures += 1
    order.failing_since = order.failing_since or now
    order.last_call_error = failure.message
    order.next_attempt_at = now + backoff_delay(order.call_failures, failure.retry_after)
    order.release_lease()


#: Which question an order shows first. While a placing is unknown, its question also keeps the portal from
#: placing the order again; while a cancellation is open, its question keeps the order from being erased.
_ORDER = (
    AttentionTopic.PLACING,
    AttentionTopic.CANCEL,
    AttentionTopic.NUMBER,
    AttentionTopic.RESULT,
    AttentionTopic.DELIVERY,
    AttentionTopic.POLL,
)


@dataclass(frozen=True)
class Question:
    """``since``: ISO 8601."""

    concern: str
    reason: str
    since: str


def questions(order: Order) -> list[Question]:
    """All open questions, the one that is shown first."""
    if not order.needs_attention:
        return []
    since = order.attention_since or timezone.now()
    shown = Question(order.attention_topic, order.attention_reason, since.isoformat())
    return [shown, *(Question(*waiting) for waiting in order.waiting_questions)]


def is_flagged(order: Order, concern: AttentionTopic) -> bool:
    return any(question.concern == concern for question in questions(order))


def flag_for_attention(order: Order, concern: AttentionTopic, reason: str) -> None:
    """Flags the order; a later question about the same concern replaces the earlier. The caller saves it."""
    reason = mask(reason, order.personal_data)
    open_questions = questions(order)
    same = next((question for question in open_questions if question.concern == concern), None)
    if same is None or same.reason != reason:
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.NEEDS_ATTENTION, reason)
    since = same.since if same else timezone.now().isoformat()
    others = (question for question in open_questions if question.concern != concern)
    _keep(order, [Question(concern, reason, since), *others])


def clear_attention(order: Order, concern: AttentionTopic) -> None:
    """Takes the question about this concern back, if there is one; the caller saves the order."""
    if not is_flagged(order, concern):
        return
    drop_topic(order, concern)
    rest = "Another question is still open." if order.needs_attention else "No human is needed any more."
    record_event(
        order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ATTENTION_CLEARED, f"This settled itself. {rest}"
    )


def drop_topic(order: Order, concern: str) -> None:
    """Like ``settle``, without a line in the history; the caller writes its own."""
    _keep(order, (question for question in questions(order) if question.concern != concern))


def _keep(order: Order, open_questions: Iterable[Question]) -> None:
    places = {concern: place for place, concern in enumerate(_ORDER)}
    ordered = sorted(
        open_questions, key=lambda question: places.get(AttentionTopic(question.concern), len(places))
    )
    shown = ordered[0] if ordered else None
    order.needs_attention = shown is not None
    order.attention_topic = shown.concern if shown else AttentionTopic.NONE
    order.attention_reason = shown.reason if shown else ""
    order.attention_since = datetime.fromisoformat(shown.since) if shown else None
    order.waiting_questions = [list(astuple(question)) for question in ordered[1:]]
