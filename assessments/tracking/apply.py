"""Applies what Justifacts says about an order: by push, in answer to a poll, or with another answer.

A status that moves the order forward is applied and told to Ashby (``docs/protocol.md``, "Statuses" and
"Reading what arrives"). ``_decide`` says what becomes of a message and changes nothing, so ``has_changes``
and ``apply_status`` cannot differ. About an order that is in progress:

    same status and spelling, or an unknown status repeated        nothing
    same status, other spelling                                    the spelling is kept
    unknown status, or the same status after an unknown one
        older by its own time, or a duplicate                      recorded once as late
        otherwise                                                  told as it is; the order does not move
    a status that may follow the present one                       applied and told
    any other status                                               recorded once: late, or a conflict if
                                                                   Justifacts answers so now

``after_end.py`` has the table for orders that have ended, and ``heard.py`` the rules for times.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto

from django.conf import settings

from assessments.models import InboundRequest, Order, OrderEvent, PendingCall
from assessments.orders.call_log import log_result
from assessments.orders.transaction import locked_order, record_event, schedule_call, set_status
from assessments.outbox.compose import ashby_label, enqueue_completion, enqueue_raw_status, enqueue_status
from assessments.statuses import NO_RESULT, Status, may_follow, status_of
from assessments.text import untranslated
from assessments.tracking import after_end, after_end_effects
from assessments.tracking.after_end import AfterEnd
from assessments.tracking.finish import end_as_cancelled
from assessments.tracking.order_number import report_conflict
from assessments.tracking.poll_schedule import next_poll, schedule_poll
from assessments.tracking.report_url import take_report_url
from assessments.tracking.status_report import Age, StatusMessage, age_of, read_message, remember_timestamp
from integrations.failpoints import failpoint
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate

from .adopt import accept_order_number, find_order

PUSHED = "by push"
_JUSTIFACTS = OrderEvent.Source.JUSTIFACTS


class WrongOrderNumber(Exception):
    """A message names our reference together with the number of another order."""


class StatusOutcome(Enum):
    """What became of a message."""

    #: The order changed, and Ashby is told.
    APPLIED = auto()
    #: It says what is known.
    UNCHANGED = auto()
    #: It is older than what is known.
    LATE = auto()
    #: Justifacts answers with a status that the order has passed already.
    CONFLICT = auto()
    #: The order had ended: nothing of it is told. A person may be asked.
    AFTER_END = auto()


def receive_push(
    connection: Connection, update: AssessmentUpdate, call: InboundRequest, now: datetime
) -> Order:
    """Applies a push from Justifacts, and notes the outcome on ``call``. Raises ``Order.DoesNotExist`` if the
    organization has no such order, and ``WrongOrderNumber`` if another order has the number: then nothing is
    applied, and both orders are flagged."""
    found = find_order(connection, update)
    with locked_order(found.pk) as order:
        if order.is_erased:
            log_result(call, order, "erased")
            return order
        is_ours = accept_order_number(order, update.assessment_id, PUSHED, now)
        if is_ours:
            outcome = apply_status(order, update, PUSHED, now)
            log_result(call, order, "applied" if outcome is StatusOutcome.APPLIED else "recorded")
        failpoint("push.before_commit")
    if not is_ours:
        report_conflict(order, update.assessment_id, PUSHED)
        raise WrongOrderNumber
    return order


class _Decision(Enum):
    """What becomes of a message about an order that is in progress."""

    IGNORE = auto()
    KEEP_SPELLING = auto()
    RECORD_LATE = auto()
    RECORD_CONFLICT = auto()
    RESTATE = auto()
    PASS_ON = auto()
    ADVANCE = auto()


def has_changes(order: Order, update: AssessmentUpdate, how: str, now: datetime) -> bool:
    """Whether ``apply_status`` would write anything: most polls repeat the last answer."""
    if order.is_erased:
        return False
    return _decide(order, read_message(order, update, how, now)) not in (_Decision.IGNORE, AfterEnd.IGNORE)


def apply_status(order: Order, update: AssessmentUpdate, how: str, now: datetime) -> StatusOutcome:
    """Applies a message to its order. The caller holds and saves the order.

    ``how``: how the message came, for the history; those in ``heard.ANSWERS`` answer a question that the
    portal has just asked. An unknown status is told as it is and does not move the order. An erased order
    stays as it is.
    """
    if order.is_erased:
        return StatusOutcome.UNCHANGED
    message = read_message(order, update, how, now)
    decision = _decide(order, message)
    if isinstance(decision, AfterEnd):
        after_end_effects.carry_out(order, message, decision)
        return StatusOutcome.APPLIED if decision is AfterEnd.CHANGE else StatusOutcome.AFTER_END
    match decision:
        case _Decision.IGNORE:
            return StatusOutcome.UNCHANGED
        case _Decision.KEEP_SPELLING:
            order.justifacts_status = message.status_text
            return StatusOutcome.UNCHANGED
        case _Decision.RECORD_LATE:
            after_end_effects.record_late(order, message)
            return StatusOutcome.LATE
        case _Decision.RECORD_CONFLICT:
            after_end_effects.record_late(order, message)
            return StatusOutcome.CONFLICT
    _apply(order, message, decision)
    return StatusOutcome.APPLIED


def _decide(order: Order, message: StatusMessage) -> _Decision | AfterEnd:
    if order.has_ended:
        return after_end.decide(order, message)
    is_known_text = message.status_text in ("", order.justifacts_status)
    if message.status == order.status and not order.status_unrecognized:
        return _Decision.IGNORE if is_known_text else _Decision.KEEP_SPELLING
    if message.status is None and is_known_text:
        return _Decision.IGNORE
    if message.status in (None, order.status):
        # A status that we do not know, and the one before it, have no rank: their times tell which is older.
        if _is_late(order, message):
            return _Decision.RECORD_LATE
        return _Decision.PASS_ON if message.status is None else _Decision.RESTATE
    if may_follow(Status(order.status), message.status):
        return _Decision.ADVANCE
    return _Decision.RECORD_CONFLICT if message.is_answer else _Decision.RECORD_LATE


def _is_late(order: Order, message: StatusMessage) -> bool:
    age = age_of(order, message)
    # A new unknown status in an answer is true now. An old answer with the status that was known before does
    # not revoke an unknown one: a part of Justifacts may not have it yet.
    is_new_answer = message.status is None and message.is_answer
    return age == Age.DUPLICATE or (age == Age.OLDER and not is_new_answer)


def _apply(order: Order, message: StatusMessage, decision: _Decision) -> None:
    is_new_unknown = message.unknown_status not in ("", order.justifacts_status)
    _remember_provider_status(order, message)
    if decision == _Decision.RESTATE:
        text = f"Justifacts said “{message.status_text}” {message.how}, as before."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
        enqueue_raw_status(order, ashby_label(order), message.now)
    elif decision == _Decision.PASS_ON:
        text = (
            f"Justifacts said “{message.status_text}” {message.how}, a status that we do not know; Ashby is "
            "told so as it stands."
        )
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.UNKNOWN_STATUS, text)
        enqueue_raw_status(order, message.status_text, message.now)
    else:
        _ADVANCES.get(Status(message.status or ""), _advance)(order, message)
        if order.status == Status.COMPLETE and is_new_unknown:
            # A dispute that arrives together with the completion is handled as if it had come later.
            order.justifacts_status = untranslated(Status.COMPLETE.label)
            after_end_effects.carry_out(order, message, AfterEnd.CHANGE)
    if not order.has_ended and order.next_call == PendingCall.POLL:
        # Before the placement is certain, its outcome decides on the next call.
        schedule_call(
            order, PendingCall.POLL, message.now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS)
        )


def _remember_provider_status(order: Order, message: StatusMessage) -> None:
    order.justifacts_status = message.status_text or order.justifacts_status
    order.status_unrecognized = bool(order.justifacts_status) and status_of(order.justifacts_status) is None
    remember_timestamp(order, message)
    if not order.justifacts_order_id:
        # Justifacts has the order, and has not said its number: it is asked before the order is placed.
        order.may_have_been_sent, order.cleared_for_placement = True, False


def _advance(order: Order, message: StatusMessage) -> None:
    status = Status(message.status or "")
    set_status(order, status, message.now)
    text = f"Justifacts said “{message.status_text}” {message.how}."
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
    enqueue_status(order, status, message.now)


def _cancel(order: Order, message: StatusMessage) -> None:
    reason = message.update.cancelled_reason
    end_as_cancelled(
        order, str(reason.value) if reason else "Cancelled at Justifacts", _JUSTIFACTS, message.now
    )


def _complete(order: Order, message: StatusMessage) -> None:
    now = message.now
    set_status(order, Status.COMPLETE, now)
    order.completed_at = now
    order.turnaround_minutes = max(int((now - order.created_at).total_seconds() // 60), 0)
    order.status_unrecognized = False
    order.justifacts_status = message.status_text or untranslated(Status.COMPLETE.label)
    order.result = message.result or NO_RESULT
    order.report_url = take_report_url(order, message.update.profile_url)
    text = f"Justifacts completed the check {message.how}: {order.result}."
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.COMPLETED, text)
    enqueue_completion(order, now, message.result_verbatim)
    if order.next_call == PendingCall.POLL:
        schedule_poll(order, next_poll(order, now))


_ADVANCES: dict[Status, Callable[[Order, StatusMessage], None]] = {
    Status.CANCELLED: _cancel,
    Status.COMPLETE: _complete,
}
