"""Applies what Justifacts says about an order: by push, in answer to a poll, or with another answer.

A status that moves the order forward is applied, and Ashby gets an update (``docs/protocol.md``, "Statuses"
and "Reading what arrives"). ``_decide`` decides on a message and changes nothing, so ``has_changes`` and
``apply_status`` cannot differ. For an order that is in progress:

    same status and spelling, or an unknown status repeated        nothing
    same status, other spelling                                    the spelling is stored
    unknown status, or the same status after an unknown one
        older by its own time, or a duplicate                      recorded once as late
        otherwise                                                  sent to Ashby unchanged; the order does not
                                                                   move
    a status that may follow the present one                       applied and sent to Ashby
    any other status                                               recorded once: late, or a conflict if it is
                                                                   an answer

``after_end.py`` has the table for orders that have ended, and ``status_report.py`` the rules for times.
"""

from datetime import datetime, timedelta
from enum import Enum, auto

from django.conf import settings

from assessments.models import AttentionTopic, CancelledBy, InboundRequest, Order, OrderEvent, PendingCall
from assessments.orders.call_log import log_result
from assessments.orders.transaction import (
    clear_attention,
    locked_order,
    record_event,
    schedule_call,
    set_status,
)
from assessments.outbox.compose import (
    ashby_label,
    enqueue_cancellation,
    enqueue_completion,
    enqueue_raw_status,
    enqueue_status,
)
from assessments.statuses import NO_RESULT, Status, may_follow, status_of
from assessments.text import untranslated
from assessments.tracking import after_end, after_end_effects
from assessments.tracking.after_end import AfterEnd
from assessments.tracking.order_number import accept_order_number, find_order, report_conflict
from assessments.tracking.poll_schedule import next_poll, schedule_poll
from assessments.tracking.report_url import accept_report_url
from assessments.tracking.status_report import Age, StatusMessage, age_of, read_message, remember_timestamp
from integrations.failpoints import failpoint
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate

PUSHED = "by push"
_JUSTIFACTS = OrderEvent.Source.JUSTIFACTS


class WrongOrderNumber(Exception):
    """A message has our reference together with the number of another order."""


class StatusOutcome(Enum):
    """How a message was handled."""

    #: The order changed, and Ashby gets an update.
    APPLIED = auto()
    #: It repeats what is known, or is older.
    UNCHANGED = auto()
    #: Justifacts answers with a status that the order has passed already.
    CONFLICT = auto()
    #: The order had ended: Ashby gets no update. The order may need attention.
    AFTER_END = auto()


def receive_push(
    connection: Connection, update: AssessmentUpdate, call: InboundRequest, now: datetime
) -> Order:
    """Apply a push from Justifacts, and save ``call`` with the outcome. Raises ``Order.DoesNotExist`` if the
    organization has no such order, and ``WrongOrderNumber`` if another order has the number; then nothing is
    applied, and both orders are flagged."""
    found = find_order(connection, update.assessment_id, update.reference_id)
    if found is None:
        raise Order.DoesNotExist
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
    """How a message about an order that is in progress is handled."""

    IGNORE = auto()
    KEEP_SPELLING = auto()
    RECORD_LATE = auto()
    RECORD_CONFLICT = auto()
    RESTATE = auto()
    PASS_ON = auto()
    ADVANCE = auto()


def has_changes(order: Order, update: AssessmentUpdate, how: str, now: datetime) -> bool:
    """Whether ``apply_status`` would write anything. Most polls repeat the last answer."""
    if order.is_erased:
        return False
    return _decide(order, read_message(order, update, how, now)) not in (_Decision.IGNORE, AfterEnd.IGNORE)


def apply_status(order: Order, update: AssessmentUpdate, how: str, now: datetime) -> StatusOutcome:
    """Apply a message to its order. The caller has locked the order and saves it. An erased order is
    unchanged.

    ``how``: how the message came, for the history; a value in ``status_report.ANSWERS`` says that it answers
    a call that the portal has just made.
    """
    if order.is_erased:
        return StatusOutcome.UNCHANGED
    message = read_message(order, update, how, now)
    decision = _decide(order, message)
    if isinstance(decision, AfterEnd):
        after_end_effects.carry_out(order, message, decision)
        return StatusOutcome.APPLIED if decision is AfterEnd.CHANGE else StatusOutcome.AFTER_END
    match decision:
        case _Decision.RESTATE | _Decision.PASS_ON | _Decision.ADVANCE:
            _apply(order, message, decision)
            return StatusOutcome.APPLIED
        case _Decision.KEEP_SPELLING:
            order.justifacts_status = message.status_text
        case _Decision.RECORD_LATE | _Decision.RECORD_CONFLICT:
            after_end_effects.record_late(order, message)
    return StatusOutcome.CONFLICT if decision == _Decision.RECORD_CONFLICT else StatusOutcome.UNCHANGED


def _decide(order: Order, message: StatusMessage) -> _Decision | AfterEnd:
    if order.has_ended:
        return after_end.decide(order, message)
    is_known_text = message.status_text in ("", order.justifacts_status)
    if message.status == order.status and not order.status_unrecognized:
        return _Decision.IGNORE if is_known_text else _Decision.KEEP_SPELLING
    if message.status is None and is_known_text:
        return _Decision.IGNORE
    if message.status in (None, order.status):
        # An unknown status has no rank, so the times decide. A new unknown status in an answer is true now.
        # An old answer with the status before an unknown one does not revoke it: it may come from a part of
        # Justifacts that lags behind.
        age = age_of(order, message)
        is_new_answer = message.status is None and message.is_answer
        if age == Age.DUPLICATE or (age == Age.OLDER and not is_new_answer):
            return _Decision.RECORD_LATE
        return _Decision.PASS_ON if message.status is None else _Decision.RESTATE
    if may_follow(Status(order.status), message.status):
        return _Decision.ADVANCE
    return _Decision.RECORD_CONFLICT if message.is_answer else _Decision.RECORD_LATE


def _apply(order: Order, message: StatusMessage, decision: _Decision) -> None:
    is_new_unknown = message.unknown_status not in ("", order.justifacts_status)
    order.justifacts_status = message.status_text or order.justifacts_status
    order.status_unrecognized = bool(order.justifacts_status) and status_of(order.justifacts_status) is None
    remember_timestamp(order, message)
    if not order.justifacts_order_id:
        # Justifacts has the order but has not sent its number, so a look-up comes before any placement.
        order.may_have_been_sent, order.cleared_for_placement = True, False
    if decision == _Decision.RESTATE:
        text = f"Justifacts said “{message.status_text}” {message.how}, as before."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
        enqueue_raw_status(order, ashby_label(order), message.now)
    elif decision == _Decision.PASS_ON:
        text = (
            f"Justifacts said “{message.status_text}” {message.how}, a status that the portal does not know; "
            "Ashby shows it unchanged."
        )
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.UNKNOWN_STATUS, text)
        enqueue_raw_status(order, message.status_text, message.now)
    else:
        _advance(order, message)
        if order.status == Status.COMPLETE and is_new_unknown:
            # A dispute that comes with the completion is handled as if it had come later.
            order.justifacts_status = untranslated(Status.COMPLETE.label)
            after_end_effects.carry_out(order, message, AfterEnd.CHANGE)
    if not order.has_ended and order.next_call == PendingCall.POLL:
        # Until the placement is certain, its outcome decides on the next call.
        at = message.now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS)
        schedule_call(order, PendingCall.POLL, at)


def _advance(order: Order, message: StatusMessage) -> None:
    match Status(message.status or ""):
        case Status.CANCELLED:
            data = message.update.cancelled_reason
            reason = str(data.value) if data else "Cancelled at Justifacts"
            end_as_cancelled(order, reason, _JUSTIFACTS, message.now)
        case Status.COMPLETE:
            _complete(order, message)
        case status:
            set_status(order, status, message.now)
            text = f"Justifacts said “{message.status_text}” {message.how}."
            record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
            enqueue_status(order, status, message.now)


def _complete(order: Order, message: StatusMessage) -> None:
    now = message.now
    set_status(order, Status.COMPLETE, now)
    order.completed_at = now
    order.turnaround_minutes = max(int((now - order.created_at).total_seconds() // 60), 0)
    order.status_unrecognized = False
    order.justifacts_status = message.status_text or untranslated(Status.COMPLETE.label)
    order.result = message.result or NO_RESULT
    order.report_url = accept_report_url(order, message.update.profile_url)
    text = f"Justifacts completed the check {message.how}: {order.result}."
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.COMPLETED, text)
    enqueue_completion(order, now, message.result_verbatim)
    if order.next_call == PendingCall.POLL:
        schedule_poll(order, next_poll(order, now))


def end_as_cancelled(order: Order, reason: str, source: OrderEvent.Source, now: datetime) -> None:
    """End an order that is in progress, add the update for Ashby, and schedule the cancellation at
    Justifacts if one is needed. The caller has locked the order and saves it."""
    set_status(order, Status.CANCELLED, now)
    order.closing_reason = reason
    order.cancelled_by = CancelledBy(source)
    order.status_unrecognized = False
    record_event(order, source, OrderEvent.Kind.CANCELLED, f"The check was cancelled: {reason}")
    enqueue_cancellation(order, reason, now)
    if source == OrderEvent.Source.ASHBY:
        # Otherwise Ashby needs this update, and a refused update ahead of it still needs attention.
        clear_attention(order, AttentionTopic.DELIVERY)
    by_justifacts = source == OrderEvent.Source.JUSTIFACTS
    if order.next_call == PendingCall.PLACE or (order.next_call == PendingCall.LOOK_UP and by_justifacts):
        clear_attention(order, AttentionTopic.PLACING)
    if by_justifacts:
        schedule_call(order, PendingCall.NONE, None)
    elif order.justifacts_order_id:
        schedule_call(order, PendingCall.CANCEL, now)
    elif order.next_call == PendingCall.PLACE and order.lease_token is None:
        schedule_call(order, PendingCall.NONE, None)
    # Otherwise a placement is in progress or its outcome is unknown; ``link_provider_order`` cancels then.
