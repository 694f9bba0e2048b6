"""What Justifacts says of an order, by push, by poll or with an answer: read, applied if it moves the order
forward, and told to Ashby (``docs/protocol.md``, "Statuses" and "Reading what arrives").

``heard.py`` reads a message and compares its time with what is known; ``after_end.py`` has the rules for
orders that have ended, and ``order_number.py`` those for order numbers. ``_decide`` says what becomes of a
message and changes nothing, so that ``is_news`` and ``apply_word`` cannot differ.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto

from django.conf import settings
from django.db.models import Q, QuerySet

from assessments.models import AttentionTopic, CancelledBy, InboundRequest, Order, OrderEvent, PendingCall
from assessments.orders.call_log import log_result
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    locked_order,
    record_event,
    schedule_call,
    set_status,
)
from assessments.outbox.compose import ashby_label, enqueue_completion, enqueue_raw_status, enqueue_status
from assessments.statuses import NO_RESULT, Status, may_follow, status_of
from assessments.text import untranslated
from assessments.tracking import after_end, after_end_effects
from assessments.tracking.finish import end_as_cancelled
from assessments.tracking.order_number import (
    is_another_number,
    is_taken,
    names_our_order,
    offer_number,
    report_conflict,
)
from assessments.tracking.poll_schedule import next_poll, schedule_poll
from assessments.tracking.report_url import take_report_url
from assessments.tracking.status_report import (
    Age,
    StatusReport,
    age_of,
    read_status_report,
    remember_provider_status,
)
from integrations.failpoints import failpoint
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate
from integrations.partner_protocol.parsing import as_uuid, spellings

PUSHED = "by push"
_JUSTIFACTS = OrderEvent.Source.JUSTIFACTS


class WrongOrderNumber(Exception):
    """A word names our reference together with an order number that cannot be right."""


def receive_push(
    connection: Connection, word: AssessmentUpdate, call: InboundRequest, now: datetime
) -> Order:
    """Applies a push from Justifacts. Raises ``Order.DoesNotExist`` where the organization has no such order,
    and ``WrongOrderNumber`` where another order has the number: then nothing is applied, and both are
    flagged."""
    found = find(connection, word)
    with locked_order(found.pk) as order:
        if order.is_erased:
            log_result(call, order, "erased")
            return order
        is_ours = note_provider_order(order, word.assessment_id, PUSHED, now)
        if is_ours:
            moved = apply_status(order, word, PUSHED, now)
            log_result(call, order, "applied" if moved else "recorded")
        failpoint("push.before_commit")
    if not is_ours:
        report_conflict(order, word.assessment_id, PUSHED)
        raise WrongOrderNumber
    return order


def find(connection: Connection, word: AssessmentUpdate) -> Order:
    """The order that a word is about: by our reference; else by their number, or by our id in the place
    of theirs. Raises ``Order.DoesNotExist``."""
    # Unordered: SQLite would rather walk all of the org's orders by date than sort the one it finds.
    orders = Order.objects.order_by().filter(organization=connection.organization_id)
    if word.reference_id:
        return _by_our_id(orders, word.reference_id)
    if not word.assessment_id:
        # An empty text would fit every order that has no number yet.
        raise Order.DoesNotExist
    numbers = spellings(word.assessment_id)
    for by in (
        Q(justifacts_order_id__in=numbers),
        Q(offered_order_number__in=numbers) | Q(former_order_number__in=numbers),
    ):
        if (found := next(iter(orders.filter(by)[:1]), None)) is not None:
            return found
    return _by_our_id(orders, word.assessment_id)


def _by_our_id(orders: "QuerySet[Order]", text: str) -> Order:
    if (own_id := as_uuid(text)) is None:
        raise Order.DoesNotExist
    return orders.get(pk=own_id)


def note_provider_order(order: Order, number: str, how: str, now: datetime) -> bool:
    """Justifacts names the order by this number (or by none). A first number is adopted, and another one is
    offered to a person. False where another order has the number: then nothing of the message may be applied.
    The caller holds and saves the order."""
    if not number or names_our_order(number, order):
        return True
    if not order.justifacts_order_id:
        if is_taken(order, number):
            return False
        record_event(
            order, _JUSTIFACTS, OrderEvent.Kind.ADOPTED, f"Justifacts speaks of the order as number {number}."
        )
        link_provider_order(order, number, now)
    elif is_another_number(order, number):
        if is_taken(order, number):
            return False
        offer_number(order, number, how)
        if _is_cancelled_by_us(order) and order.next_call in (PendingCall.NONE, PendingCall.POLL):
            # Justifacts has taken the cancellation of the number before, not of this one.
            schedule_call(order, PendingCall.CANCEL, now)
    return True


def _is_cancelled_by_us(order: Order) -> bool:
    is_ours = order.cancelled_by in (CancelledBy.ASHBY, CancelledBy.PERSON)
    return order.status == Status.CANCELLED and is_ours


def link_provider_order(order: Order, number: str, now: datetime) -> None:
    """Justifacts has the order, under this number. The caller holds and saves the order."""
    if is_taken(order, number):
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts gave this order the number {number}, which another order has already. "
            "Ask Justifacts which check belongs to this candidate.",
        )
        return
    order.justifacts_order_id, order.may_have_been_sent = number, True
    order.placed_at = order.placed_at or now
    clear_attention(order, AttentionTopic.PLACING)
    if order.status == Status.CANCELLED:
        # What Justifacts itself has cancelled is never cancelled by the portal.
        is_ours = _is_cancelled_by_us(order)
        schedule_call(order, *((PendingCall.CANCEL, now) if is_ours else (PendingCall.NONE, None)))
    elif order.status == Status.REJECTED:
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts had refused this order, but runs it as number {number}. Ask Justifacts "
            "to cancel it, or tell the recruiter.",
        )
    else:
        if may_follow(Status(order.status), Status.RECEIVED):
            set_status(order, Status.RECEIVED, now)
            enqueue_status(order, Status.RECEIVED, now)
        schedule_call(order, PendingCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))


class Step(Enum):
    """What becomes of a message about an order that is on its way."""

    NOTHING = auto()
    SPELLING = auto()
    LATE = auto()
    AGAIN = auto()
    UNKNOWN = auto()
    MOVE = auto()


_QUIET = (Step.NOTHING, after_end.Step.NOTHING)


def has_changes(order: Order, word: AssessmentUpdate, how: str, now: datetime) -> bool:
    """Whether ``apply_word`` would write anything: most polls repeat the last answer."""
    return not order.is_erased and _decide(order, read_status_report(order, word, how, now)) not in _QUIET


def apply_status(order: Order, word: AssessmentUpdate, how: str, now: datetime) -> bool:
    """Whether the message changed what is true, so that Ashby is told. The caller holds and saves the order.

    ``how``: the words for the history; those in ``heard.ASKED`` say that the portal has just asked. An
    unknown status is told as it stands and does not move the order. Of an erased order nothing is heard any
    more.
    """
    if order.is_erased:
        return False
    heard = read_status_report(order, word, how, now)
    step = _decide(order, heard)
    if isinstance(step, after_end.Step):
        return after_end_effects.apply(order, heard, step)
    if step == Step.SPELLING:
        order.justifacts_status = heard.text
    elif step == Step.LATE:
        after_end_effects.record_late(order, heard)
    elif step != Step.NOTHING:
        _apply(order, heard, step)
        return True
    return False


def _decide(order: Order, heard: StatusReport) -> Step | after_end.Step:
    if order.has_ended:
        return after_end.decide(order, heard)
    target = heard.target
    if target == order.status and not order.status_unrecognized:
        return Step.SPELLING if heard.text not in ("", order.justifacts_status) else Step.NOTHING
    if target is None and heard.text in ("", order.justifacts_status):
        return Step.NOTHING
    if target in (None, order.status):
        # Words that we do not know, and the one before them, have no rank: the times tell which is older.
        if _is_late(order, heard):
            return Step.LATE
        return Step.UNKNOWN if target is None else Step.AGAIN
    return Step.MOVE if may_follow(Status(order.status), target) else Step.LATE


def _is_late(order: Order, heard: StatusReport) -> bool:
    age = age_of(order, heard)
    # A new word that Justifacts says when it is asked is true now. An old answer with the status that was
    # known before takes no new word back: a part of Justifacts may not know of it yet.
    is_new_word = heard.target is None and heard.is_asked
    return age == Age.DUPLICATE or (age == Age.OLDER and not is_new_word)


def _apply(order: Order, heard: StatusReport, step: Step) -> None:
    is_new_word = heard.unknown_word not in ("", order.justifacts_status)
    _note(order, heard)
    if step == Step.AGAIN:
        record_event(
            order,
            _JUSTIFACTS,
            OrderEvent.Kind.STATUS,
            f"Justifacts said “{heard.text}” {heard.how}, as before.",
        )
        enqueue_raw_status(order, ashby_label(order), heard.now)
    elif step == Step.UNKNOWN:
        record_event(
            order,
            _JUSTIFACTS,
            OrderEvent.Kind.UNKNOWN_STATUS,
            f"Justifacts said “{heard.text}” {heard.how}, a status that we do not know; Ashby is told so as "
            "it stands.",
        )
        enqueue_raw_status(order, heard.text, heard.now)
    else:
        _MOVES.get(Status(heard.target or ""), _move)(order, heard)
        if order.status == Status.COMPLETE and is_new_word:
            # A dispute may be heard together with the end: the same becomes of it as if it had come later.
            order.justifacts_status = untranslated(Status.COMPLETE.label)
            after_end_effects.apply(order, heard, after_end.Step.CHANGE)
    if not order.has_ended and order.next_call == PendingCall.POLL:
        # While a placing is not settled, its outcome decides what is asked next.
        schedule_call(order, PendingCall.POLL, heard.now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))


def _note(order: Order, heard: StatusReport) -> None:
    order.justifacts_status = heard.text or order.justifacts_status
    order.status_unrecognized = bool(order.justifacts_status) and status_of(order.justifacts_status) is None
    remember_provider_status(order, heard)
    if not order.justifacts_order_id:
        # Justifacts has the order, and has not said its number: it is asked before the order is placed.
        order.may_have_been_sent, order.cleared_for_placement = True, False


def _move(order: Order, heard: StatusReport) -> None:
    status = Status(heard.target or "")
    set_status(order, status, heard.now)
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, f"Justifacts said “{heard.text}” {heard.how}.")
    enqueue_status(order, status, heard.now)


def _cancel(order: Order, heard: StatusReport) -> None:
    reason = heard.message.cancelled_reason
    end_as_cancelled(
        order, str(reason.value) if reason else "Cancelled at Justifacts", _JUSTIFACTS, heard.now
    )


def _complete(order: Order, heard: StatusReport) -> None:
    set_status(order, Status.COMPLETE, heard.now)
    order.completed_at = heard.now
    order.turnaround_minutes = max(int((heard.now - order.created_at).total_seconds() // 60), 0)
    order.status_unrecognized = False
    order.justifacts_status = heard.text or untranslated(Status.COMPLETE.label)
    order.result = heard.result or NO_RESULT
    order.report_url = take_report_url(order, heard.message.profile_url)
    record_event(
        order,
        _JUSTIFACTS,
        OrderEvent.Kind.COMPLETED,
        f"Justifacts completed the check {heard.how}: {order.result}.",
    )
    enqueue_completion(order, heard.now, heard.result_as_said)
    if order.next_call == PendingCall.POLL:
        schedule_poll(order, next_poll(order, heard.now))


_MOVES: dict[Status, Callable[[Order, StatusReport], None]] = {
    Status.CANCELLED: _cancel,
    Status.COMPLETE: _complete,
}
