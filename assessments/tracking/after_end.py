"""What Justifacts says of an order that has ended.

``heard.py`` says which messages are *current*, *duplicate* or *older*. "Asked" is an answer to a question
that the portal asks now (poll, look-up, reconciliation); such an answer is never late. What is told goes to
Ashby as one update with the status word, the result and the report as they now stand.

A complete order:

    same status, result and report              nothing; asked or newer, it settles an open question
    another result, report or unknown status
        current                                 told; an unknown status also flags the order, once per word
        duplicate or older, when asked          flagged, with both results; a person may take the other one
        older result, pushed                    flagged in the same way
        otherwise                               recorded once as late
    complete again after an unknown status      the same rows; told, and the flag is taken back
    on the way again, or cancelled
        when asked, or newer by its own time    flagged once per word, not told: the check may be reopened
        cancelled, pushed without a time        flagged in the same way
        otherwise                               recorded once: a late message

A cancelled order:

    cancelled                                   settles the question whether it is cancelled at Justifacts
    complete, cancelled by Ashby or a person    flagged: a report exists
    other words, cancelled by Ashby or a person recorded once: Justifacts is being told to stop
    any other word, cancelled by Justifacts
        duplicate or older, pushed              recorded once: a late message
        otherwise                               flagged once per word: the check was taken up
                                                again; the portal never cancels it

A rejected order: any word but cancelled flags it, once per word, since Justifacts runs what it refused;
cancelled takes the flag back.
"""

from enum import Enum, auto

from assessments.models import AttentionTopic, CancelledBy, Order, PendingCall
from assessments.orders.transaction import is_flagged
from assessments.statuses import Status
from assessments.text import untranslated
from assessments.tracking.status_report import Age, StatusReport, age_of, is_newer

_BY_US = (CancelledBy.ASHBY, CancelledBy.PERSON)


class Step(Enum):
    """What becomes of a message about an order that has ended."""

    NOTHING = auto()
    CONFIRM = auto()
    CHANGE = auto()
    DOUBT = auto()
    CONTRADICT = auto()
    CANCEL_SETTLED = auto()
    COMPLETE_AFTER_CANCEL = auto()
    TAKEN_UP = auto()
    LATE = auto()
    AFTER_END = auto()


def decide(order: Order, heard: StatusReport) -> Step:
    """The tables above; changes nothing."""
    if order.status == Status.COMPLETE:
        if heard.target in (Status.COMPLETE, None):
            return _about_completion(order, heard)
        return _contradiction(order, heard)
    is_ours = order.status == Status.CANCELLED and order.cancelled_by in _BY_US
    is_late = not heard.is_asked and age_of(order, heard) != Age.CURRENT
    if heard.target == Status.CANCELLED:
        is_settled = _can_settle_cancel(order) and (is_ours or not is_late)
        return Step.CANCEL_SETTLED if is_settled else Step.NOTHING
    if is_ours:
        return Step.COMPLETE_AFTER_CANCEL if heard.target == Status.COMPLETE else Step.AFTER_END
    if is_late:
        return Step.AFTER_END
    return Step.NOTHING if _is_asked_about(order, heard) else Step.TAKEN_UP


def _about_completion(order: Order, heard: StatusReport) -> Step:
    if heard.target is None and not heard.text:
        return Step.NOTHING
    if wanted(order, heard) == shown(order):
        has_question = bool(order.asked_about) or is_flagged(order, AttentionTopic.RESULT)
        is_open = has_question and not order.status_unrecognized
        return Step.CONFIRM if is_open and (heard.is_asked or is_newer(order, heard)) else Step.NOTHING
    age = age_of(order, heard)
    if age == Age.CURRENT:
        return Step.CHANGE
    another_result = bool(heard.result) and heard.result != order.result
    if heard.is_asked or (age == Age.OLDER and another_result):
        return Step.NOTHING if _is_asked_about(order, heard) else Step.DOUBT
    return Step.LATE


def wanted(order: Order, heard: StatusReport) -> tuple[str, str, str]:
    """Status word (empty: complete), result and report as they would be after the message."""
    word = heard.unknown_word
    if word == order.justifacts_status:
        # Said when the order was completed: a repetition is no news.
        word = _word(order)
    return word, heard.result or order.result, heard.report or order.report_url


def shown(order: Order) -> tuple[str, str, str]:
    return _word(order), order.result, order.report_url


def _word(order: Order) -> str:
    return order.justifacts_status if order.status_unrecognized else ""


def _contradiction(order: Order, heard: StatusReport) -> Step:
    is_no_late_message = heard.target == Status.CANCELLED and age_of(order, heard) == Age.CURRENT
    if not (heard.is_asked or is_newer(order, heard) or is_no_late_message):
        return Step.AFTER_END
    return Step.NOTHING if _is_asked_about(order, heard) else Step.CONTRADICT


def _can_settle_cancel(order: Order) -> bool:
    return (
        order.next_call == PendingCall.CANCEL
        or is_flagged(order, AttentionTopic.CANCEL)
        or bool(order.asked_about)
    )


def _is_asked_about(order: Order, heard: StatusReport) -> bool:
    return _gist(order.asked_about) == _gist(as_question(heard))


def as_question(heard: StatusReport) -> dict[str, str | int | None]:
    return {
        "text": said(heard),
        "result": heard.result,
        "result_as_said": heard.result_as_said,
        "report": heard.report,
        "time": heard.time,
    }


def _gist(question: dict[str, str | int | None]) -> tuple[str | int | None, ...]:
    """Without the time: Justifacts may stamp each of its answers with its own time."""
    return question.get("text"), question.get("result")


def said(heard: StatusReport) -> str:
    """The status word for people."""
    return heard.text or (untranslated(heard.target.label) if heard.target else "nothing")
