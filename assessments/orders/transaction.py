"""Changing an order: its lock, history, status, pending call and attention.

Apart from ``locked_order``, each function takes a locked order and leaves saving to the caller.

A question for staff says what happened, why, and what to do. An order shows one question and keeps the
questions about other topics behind it, so that none is lost when another one is asked or answered.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Model
from django.utils import timezone

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.statuses import ENDED, Status
from integrations.compiled import CompiledQuery, insert, update
from integrations.http.errors import CallFailed
from integrations.redaction import mask

_WAITS = (5, 15, 60, 5 * 60, 15 * 60, 60 * 60)


@contextmanager
def locked_order(assessment_id: UUID) -> Iterator[Order]:
    """Lock an order for a change, in a transaction, and save what has changed at the end. Raises
    ``Order.DoesNotExist``.

    PostgreSQL locks the row; SQLite's transactions acquire the write lock when they begin.
    """
    with transaction.atomic():
        order = next(iter(_for_update(assessment_id)), None)
        if order is None:
            raise Order.DoesNotExist
        with saving_changes(order):
            yield order


_for_update = CompiledQuery(
    lambda assessment_id: (
        Order.objects.order_by()
        .select_for_update(of=("self",))
        .select_related("organization", "package")
        .filter(pk=assessment_id)
    ),
    models.UUIDField(),
)


@contextmanager
def saving_changes(row: Model) -> Iterator[None]:
    """Save the columns of a locked row that have changed when the block ends."""
    before = _values(row)
    yield
    # A ciphertext that is the same object is not decrypted for a comparison.
    changed = [
        name for name, value in _values(row).items() if value is not before[name] and value != before[name]
    ]
    if changed:
        update(row, changed)


def _values(row: Model) -> dict[str, Any]:
    """The columns as they are held. A ciphertext stays one until its value is set; a list or an object is
    copied, since it can be changed in place."""
    held = ((field.attname, row.__dict__[field.attname]) for field in row._meta.concrete_fields)
    return {name: deepcopy(value) if isinstance(value, list | dict) else value for name, value in held}


def record_event(order: Order, source: OrderEvent.Source, kind: OrderEvent.Kind, summary: str) -> None:
    """Add a line to the order's history. The line is immutable, so the candidate's name is masked in it, also
    in a partner's text or a note by staff."""
    insert(new_event(order, source, kind, summary))


def new_event(order: Order, source: OrderEvent.Source, kind: OrderEvent.Kind, summary: str) -> OrderEvent:
    """The line that ``record_event`` adds, not yet saved."""
    return OrderEvent(order=order, source=source, kind=kind, summary=mask(summary, order.personal_data))


def record_event_once(order: Order, source: OrderEvent.Source, kind: OrderEvent.Kind, summary: str) -> None:
    """The same, unless the last line of this kind has the same summary: polls repeat their answers."""
    last = order.events.filter(kind=kind).last()
    if last is None or last.summary != mask(summary, order.personal_data):
        record_event(order, source, kind, summary)


def set_status(order: Order, status: Status, now: datetime) -> None:
    """Put the order into this status, which ends its stall. The caller records the event. Only this function
    changes a status."""
    order.status, order.status_since = status, now
    if status in ENDED:
        # Unreadable polls do not matter any more.
        clear_attention(order, AttentionTopic.POLL)
    clear_stall(order)


def clear_stall(order: Order) -> None:
    order.stalled_since, order.stall_reason, order.stall_threshold = None, "", None


def schedule_call(order: Order, call: PendingCall, at: datetime | None) -> None:
    """Set the pending call to Justifacts, without failures. This ends a lease on the previous one."""
    order.next_call, order.next_attempt_at = call, at
    order.call_failures, order.failing_since, order.last_call_error = 0, None, ""
    order.not_found_count = 0
    order.release_lease()


def schedule_look_up(order: Order, at: datetime, *, is_precaution: bool = False) -> None:
    """Schedule a look-up, after which the order may be placed. ``is_precaution``: nothing suggests that
    Justifacts has the order."""
    schedule_call(order, PendingCall.LOOK_UP, at)
    order.cleared_for_placement = True
    if not is_precaution:
        order.may_have_been_sent = True


def backoff_delay(failures: int, retry_after: float | None = None) -> timedelta:
    """The delay after ``failures`` failures: 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly. The partner's
    ``retry_after`` (seconds) takes precedence, up to a day: a wrong header must not stop an order."""
    if retry_after is not None:
        return timedelta(seconds=min(max(retry_after, 1), 24 * 60 * 60))
    return timedelta(seconds=_WAITS[min(max(failures, 1), len(_WAITS)) - 1])


def reschedule_call(order: Order, failure: CallFailed, now: datetime) -> None:
    """Schedule the pending call again after ``failure``, with backoff."""
    order.call_failures += 1
    order.failing_since = order.failing_since or now
    order.last_call_error = failure.message
    order.next_attempt_at = now + backoff_delay(order.call_failures, failure.retry_after)
    order.release_lease()


#: Which question an order shows first. The question about an unknown placement also prevents another
#: placement, and the one about an open cancellation prevents erasure.
_ORDER = (
    AttentionTopic.PLACING,
    AttentionTopic.CANCEL,
    AttentionTopic.NUMBER,
    AttentionTopic.RESULT,
    AttentionTopic.DELIVERY,
    AttentionTopic.POLL,
    AttentionTopic.NONE,
)


@dataclass(frozen=True)
class Question:
    """``since``: ISO 8601. The fields are stored in this order."""

    topic: str
    reason: str
    since: str


def questions(order: Order) -> list[Question]:
    """All open questions, the one that is shown first."""
    if not order.needs_attention:
        return []
    since = order.attention_since or timezone.now()
    shown = Question(order.attention_topic, order.attention_reason, since.isoformat())
    return [shown, *(Question(*waiting) for waiting in order.waiting_questions)]


def is_flagged(order: Order, topic: AttentionTopic) -> bool:
    return any(question.topic == topic for question in questions(order))


def flag_for_attention(order: Order, topic: AttentionTopic, reason: str) -> None:
    """Ask staff a question. It replaces an open question about the same topic."""
    reason = mask(reason, order.personal_data)
    open_questions = questions(order)
    same = next((question for question in open_questions if question.topic == topic), None)
    if same is None or same.reason != reason:
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.NEEDS_ATTENTION, reason)
    since = same.since if same else timezone.now().isoformat()
    others = (question for question in open_questions if question.topic != topic)
    _set_questions(order, [Question(topic, reason, since), *others])


def clear_attention(order: Order, topic: AttentionTopic) -> None:
    """Withdraw the question about this topic, if there is one, and record that."""
    if not is_flagged(order, topic):
        return
    drop_topic(order, topic)
    is_open = order.needs_attention
    rest = "Another question is still open." if is_open else "The order needs no more attention."
    what = f"The question was resolved automatically. {rest}"
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ATTENTION_CLEARED, what)


def drop_topic(order: Order, topic: str) -> None:
    """Remove the question about this topic. The caller records the event."""
    _set_questions(order, (question for question in questions(order) if question.topic != topic))


def _set_questions(order: Order, open_questions: Iterable[Question]) -> None:
    ordered = sorted(open_questions, key=lambda question: _ORDER.index(AttentionTopic(question.topic)))
    shown = ordered[0] if ordered else Question(AttentionTopic.NONE, "", "")
    order.needs_attention = bool(ordered)
    order.attention_topic, order.attention_reason = shown.topic, shown.reason
    order.attention_since = datetime.fromisoformat(shown.since) if ordered else None
    order.waiting_questions = [list(astuple(question)) for question in ordered[1:]]
