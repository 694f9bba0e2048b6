"""Decides what becomes of a message from Justifacts about an order that has ended.

``status_report.py`` defines which messages are *current*, *duplicate* or *older*. An *answer* is a message
that answers a call by the portal (poll, look-up, reconciliation); an answer is never late. *Applied* means
that Ashby gets one update with the new status, result and report.

A complete order:

    same status, result and report              nothing; an answer or a newer message closes an open question
    another result, report or unknown status
        current                                 applied; an unknown status also flags it, once per status
        duplicate or older answer               flagged, with both results; staff may accept the other one
        older push with another result          flagged in the same way
        otherwise                               recorded once as late
    complete again after an unknown status      the same rules; if it is applied, the flag is cleared
    an earlier status, or cancelled
        an answer, or newer by its own time     flagged once per status, not applied: the check may be open
        cancelled, pushed without a time        flagged in the same way
        otherwise                               recorded once as a late message

A cancelled order:

    cancelled                                   closes the question of whether Justifacts has cancelled it
    complete, cancelled by Ashby or staff       flagged: a report exists
    other status, cancelled by Ashby or staff   recorded once: the cancellation at Justifacts is pending
    any other status, cancelled by Justifacts
        duplicate or older push                 recorded once as a late message
        otherwise                               flagged once per status: Justifacts has resumed the check; the
                                                portal never cancels it

A rejected order: every status but cancelled flags it, once per status, because Justifacts runs a check that
it refused; cancelled clears the flag.
"""

from enum import Enum, auto

from assessments.models import AttentionTopic, Order, PendingCall
from assessments.orders.transaction import is_flagged
from assessments.statuses import Status
from assessments.tracking.status_report import Age, StatusMessage, age_of, is_newer


class AfterEnd(Enum):
    """How a message about an order that has ended is handled."""

    IGNORE = auto()
    #: Justifacts repeats what Ashby shows: close an open question.
    CONFIRM = auto()
    #: Apply the message and add an update for Ashby.
    CHANGE = auto()
    FLAG_OTHER_RESULT = auto()
    FLAG_CONTRADICTION = auto()
    CLOSE_CANCELLATION = auto()
    FLAG_REPORT_EXISTS = auto()
    FLAG_RESUMED = auto()
    RECORD_LATE = auto()
    RECORD = auto()


def decide(order: Order, message: StatusMessage) -> AfterEnd:
    """Apply the tables above to a message. Changes nothing."""
    if order.status == Status.COMPLETE:
        if message.status in (Status.COMPLETE, None):
            return _about_completion(order, message)
        return _about_contradiction(order, message)
    is_late = not message.is_answer and age_of(order, message) != Age.CURRENT
    if message.status == Status.CANCELLED:
        is_closed = _has_cancellation_to_close(order) and (order.is_cancelled_by_us or not is_late)
        return AfterEnd.CLOSE_CANCELLATION if is_closed else AfterEnd.IGNORE
    if order.is_cancelled_by_us:
        return AfterEnd.FLAG_REPORT_EXISTS if message.status == Status.COMPLETE else AfterEnd.RECORD
    if is_late:
        return AfterEnd.RECORD
    return AfterEnd.IGNORE if _is_asked_about(order, message) else AfterEnd.FLAG_RESUMED


def _about_completion(order: Order, message: StatusMessage) -> AfterEnd:
    if message.status is None and not message.status_text:
        return AfterEnd.IGNORE
    if state_after(order, message) == state_of(order):
        has_question = bool(order.asked_about) or is_flagged(order, AttentionTopic.RESULT)
        is_open = has_question and not order.status_unrecognized
        closes = is_open and (message.is_answer or is_newer(order, message))
        return AfterEnd.CONFIRM if closes else AfterEnd.IGNORE
    age = age_of(order, message)
    if age == Age.CURRENT:
        return AfterEnd.CHANGE
    is_other_result = bool(message.result) and message.result != order.result
    if message.is_answer or (age == Age.OLDER and is_other_result):
        return AfterEnd.IGNORE if _is_asked_about(order, message) else AfterEnd.FLAG_OTHER_RESULT
    return AfterEnd.RECORD_LATE


def state_after(order: Order, message: StatusMessage) -> tuple[str, str, str]:
    """Unknown status (empty: complete), result and report URL as they would be after the message."""
    unknown_status = message.unknown_status
    if unknown_status == order.justifacts_status:
        # The status with which Justifacts completed the order: repeating it changes nothing.
        unknown_status = _unknown_status(order)
    return unknown_status, message.result or order.result, message.report_url or order.report_url


def state_of(order: Order) -> tuple[str, str, str]:
    """The same three values as they are now."""
    return _unknown_status(order), order.result, order.report_url


def _unknown_status(order: Order) -> str:
    return order.justifacts_status if order.status_unrecognized else ""


def _about_contradiction(order: Order, message: StatusMessage) -> AfterEnd:
    is_current_cancel = message.status == Status.CANCELLED and age_of(order, message) == Age.CURRENT
    if not (message.is_answer or is_newer(order, message) or is_current_cancel):
        return AfterEnd.RECORD
    return AfterEnd.IGNORE if _is_asked_about(order, message) else AfterEnd.FLAG_CONTRADICTION


def _has_cancellation_to_close(order: Order) -> bool:
    is_open = order.next_call == PendingCall.CANCEL or is_flagged(order, AttentionTopic.CANCEL)
    return is_open or bool(order.asked_about)


def _is_asked_about(order: Order, message: StatusMessage) -> bool:
    # Not the time: Justifacts may give each answer the time of that answer.
    question = as_question(message)
    return all(order.asked_about.get(part) == question[part] for part in ("text", "result"))


def as_question(message: StatusMessage) -> dict[str, str | int | None]:
    """The part of a message that ``Order.asked_about`` stores."""
    return {
        "text": message.shown_status,
        "result": message.result,
        "result_as_said": message.result_verbatim,
        "report": message.report_url,
        "time": message.timestamp,
    }
