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

from assessments.models import Concern, Event, NextCall, Order
from assessments.orders.backoff import wait_after
from assessments.statuses import ENDED, Status
from integrations.http.errors import CallFailed
from integrations.redaction import conceal


@contextmanager
def changing(assessment_id: UUID) -> Iterator[Order]:
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


def record(order: Order, source: Event.Source, kind: str, summary: str) -> None:
    """Adds one line to the order's history, which is never changed and so never says who the candidate is:
    not in the other side's words, nor in a person's note."""
    summary = conceal(summary, order.personal_data)
    Event.objects.create(order=order, source=source, kind=kind, summary=summary)


def record_once(order: Order, source: Event.Source, kind: str, summary: str) -> None:
    """The same, but not again while the last line of this kind says just that: a poll repeats
    itself every few minutes."""
    last = order.events.filter(kind=kind).last()
    if last is None or last.summary != conceal(summary, order.personal_data):
        record(order, source, kind, summary)


def move(order: Order, status: Status, now: datetime) -> None:
    """The order is in this status from now on, so it does not stand still any more. The caller holds
    and saves it, and writes down what happened."""
    order.status, order.status_since = status, now
    if status in ENDED:
        # That polls cannot be read matters no more.
        settle(order, Concern.POLL)
    moves_again(order)


def moves_again(order: Order) -> None:
    """Takes back that the order stands still; the caller saves it."""
    order.still_since, order.still_reason, order.still_limit = None, "", None


def schedule(order: Order, call: NextCall, at: datetime | None) -> None:
    """Sets the next thing to say to Justifacts, afresh: a claim on the one before ends here."""
    order.next_call, order.next_call_at = call, at
    order.call_failures, order.call_failing_since, order.call_error = 0, None, ""
    order.not_found_count = 0
    order.release()


def put_off(order: Order, failure: CallFailed, now: datetime) -> None:
    """The same call again, later."""
    order.call_failures += 1
    order.call_failing_since = order.call_failing_since or now
    order.call_error = failure.message
    order.next_call_at = now + wait_after(order.call_failures, failure.retry_after)
    order.release()


#: Which question an order shows first. While a placing is unknown, its question also keeps the portal from
#: placing the order again; while a cancellation is open, its question keeps the order from being erased.
_ORDER = (Concern.PLACING, Concern.CANCEL, Concern.NUMBER, Concern.RESULT, Concern.DELIVERY, Concern.POLL)


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
    shown = Question(order.attention_concern, order.attention_reason, since.isoformat())
    return [shown, *(Question(*waiting) for waiting in order.waiting_questions)]


def is_asked(order: Order, concern: Concern) -> bool:
    return any(question.concern == concern for question in questions(order))


def ask_human(order: Order, concern: Concern, reason: str) -> None:
    """Flags the order; a later question about the same concern replaces the earlier. The caller saves it."""
    reason = conceal(reason, order.personal_data)
    open_questions = questions(order)
    same = next((question for question in open_questions if question.concern == concern), None)
    if same is None or same.reason != reason:
        record(order, Event.Source.PORTAL, "needs_attention", reason)
    since = same.since if same else timezone.now().isoformat()
    others = (question for question in open_questions if question.concern != concern)
    _keep(order, [Question(concern, reason, since), *others])


def settle(order: Order, concern: Concern) -> None:
    """Takes the question about this concern back, if there is one; the caller saves the order."""
    if not is_asked(order, concern):
        return
    drop(order, concern)
    rest = "Another question is still open." if order.needs_attention else "No human is needed any more."
    record(order, Event.Source.PORTAL, "attention_settled", f"This settled itself. {rest}")


def drop(order: Order, concern: str) -> None:
    """Like ``settle``, without a line in the history; the caller writes its own."""
    _keep(order, (question for question in questions(order) if question.concern != concern))


def _keep(order: Order, open_questions: Iterable[Question]) -> None:
    places = {concern: place for place, concern in enumerate(_ORDER)}
    ordered = sorted(open_questions, key=lambda question: places.get(Concern(question.concern), len(places)))
    shown = ordered[0] if ordered else None
    order.needs_attention = shown is not None
    order.attention_concern = shown.concern if shown else Concern.NONE
    order.attention_reason = shown.reason if shown else ""
    order.attention_since = datetime.fromisoformat(shown.since) if shown else None
    order.waiting_questions = [list(astuple(question)) for question in ordered[1:]]
