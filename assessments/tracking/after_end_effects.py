"""Handles a message about an order that has ended, as ``after_end.py`` decides."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import (
    clear_attention,
    drop_topic,
    flag_for_attention,
    is_flagged,
    record_event,
    record_event_once,
    schedule_call,
)
from assessments.outbox.compose import ashby_label, enqueue_completion
from assessments.statuses import NO_RESULT, Status, status_of
from assessments.text import untranslated
from assessments.tracking.after_end import AfterEnd, as_question, state_after, state_of
from assessments.tracking.report_url import accept_report_url
from assessments.tracking.status_report import StatusMessage, in_utc, remember_timestamp
from integrations.text import format_utc

_JUSTIFACTS = OrderEvent.Source.JUSTIFACTS


def carry_out(order: Order, message: StatusMessage, decision: AfterEnd) -> None:
    """Apply the decision to the order, its history and the outbox. The caller has locked the order and saves
    it."""
    match decision:
        case AfterEnd.CHANGE:
            _change(order, message)
        case AfterEnd.CONFIRM:
            _confirm(order, message)
        case AfterEnd.FLAG_OTHER_RESULT:
            _flag_other_result(order, message)
        case AfterEnd.FLAG_CONTRADICTION:
            _flag_contradiction(order, message)
        case AfterEnd.FLAG_RESUMED:
            _flag_resumed(order, message)
        case AfterEnd.CLOSE_CANCELLATION:
            if order.next_call == PendingCall.CANCEL:
                schedule_call(order, PendingCall.NONE, None)
            order.asked_about = {}
            # Justifacts ran a rejected order after all, and has now cancelled it.
            is_rejected = order.status == Status.REJECTED
            clear_attention(order, AttentionTopic.PLACING if is_rejected else AttentionTopic.CANCEL)
        case AfterEnd.FLAG_REPORT_EXISTS:
            text = (
                "Justifacts completed this check although it was cancelled. Ashby still shows it as "
                "cancelled. Tell the recruiter that a report exists at Justifacts, or ask Justifacts about "
                "the bill."
            )
            flag_for_attention(order, AttentionTopic.CANCEL, text)
            _record_after_end(order, message)
        case AfterEnd.RECORD_LATE:
            record_late(order, message)
        case AfterEnd.RECORD:
            _record_after_end(order, message)


def record_late(order: Order, message: StatusMessage) -> None:
    """Record once that a message is older than the present status. It is not applied."""
    status = f"“{message.status_text}”" if message.status_text else ""
    result = f"the result “{message.result}”" if message.result else ""
    said = " with ".join(part for part in (status, result) if part)
    at = f" at {in_utc(message.timestamp)}" if message.timestamp is not None else ""
    text = f"Justifacts said {said}{at} {message.how_in_history}, which is older than what the portal knows."
    record_event_once(order, _JUSTIFACTS, OrderEvent.Kind.LATE, text)


def _record_after_end(order: Order, message: StatusMessage) -> None:
    text = f"Justifacts said “{message.shown_status}” {message.how_in_history}, after the check had ended."
    record_event_once(order, _JUSTIFACTS, OrderEvent.Kind.AFTER_END, text)


def _change(order: Order, message: StatusMessage) -> None:
    status_before, result_before, report_before = state_of(order)
    status, result, report = state_after(order, message)
    accept_report_url(order, message.update.profile_url)
    _set(order, status, result, report)
    if not status and message.status_text:
        order.justifacts_status = message.status_text
    remember_timestamp(order, message)
    if (result, report) != (result_before, report_before):
        what = f"result from {result_before} to {result}" if result != result_before else "report's address"
        text = f"Justifacts changed the {what} {message.how}."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.RESULT_CHANGED, text)
    if status != status_before:
        _record_status(order, message, status)
    if not status:
        # An open question about an earlier contradiction is about a status that the order no longer shows.
        clear_attention(order, AttentionTopic.RESULT)
    enqueue_completion(order, message.now, message.result_verbatim)


def _set(order: Order, unknown_status: str, result: str, report: str) -> None:
    if unknown_status or order.status_unrecognized:
        order.justifacts_status = unknown_status or untranslated(Status.COMPLETE.label)
    order.status_unrecognized = bool(unknown_status)
    order.result, order.report_url, order.asked_about = result, report, {}


def _record_status(order: Order, message: StatusMessage, unknown_status: str) -> None:
    if not unknown_status:
        text = f"Justifacts said “{order.justifacts_status}” {message.how}: the check is complete again."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
        return
    text = (
        f"Justifacts said “{unknown_status}” {message.how}, a status that the portal does not know; Ashby "
        "shows it unchanged."
    )
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.UNKNOWN_STATUS, text)
    what = (
        f"Justifacts says “{unknown_status}” about this check, which was complete with the result "
        f"{order.result}. Ashby shows that status, with the same result and report as before. Ask Justifacts "
        "whether the result still counts, and inform the recruiter before anyone decides on it."
    )
    flag_for_attention(order, AttentionTopic.RESULT, what)


def _confirm(order: Order, message: StatusMessage) -> None:
    order.asked_about = {}
    if message.status_text:
        order.justifacts_status = message.status_text
    text = f"Justifacts said “{message.shown_status}” {message.how}: the result is still {order.result}."
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.CONFIRMED, text)
    clear_attention(order, AttentionTopic.RESULT)


def _flag_other_result(order: Order, message: StatusMessage) -> None:
    """For a message with an earlier time that no clock explains."""
    order.asked_about = as_question(message) | {"can_be_taken": True}
    _record_after_end(order, message)
    ours = f"“{ashby_label(order)}” with the result “{order.result}”"
    if not order.justifacts_time_is_ours:
        ours += f", dated {in_utc(order.justifacts_timestamp)}"
    dated = f", dated {in_utc(message.timestamp)}," if message.timestamp is not None else ""
    theirs = f"“{message.shown_status}”"
    if message.result:
        theirs += f" with the result “{message.result}”"
    text = (
        f"Justifacts said {theirs}{dated} {message.how}. The portal has {ours}. That one is newer by "
        "Justifacts' own times, so Ashby keeps it. Ask Justifacts which one is right. If it is the other "
        "one, press “Accept the other result”; if not, press “Resolve”."
    )
    flag_for_attention(order, AttentionTopic.RESULT, text)


def _flag_contradiction(order: Order, message: StatusMessage) -> None:
    order.asked_about = as_question(message)
    _record_after_end(order, message)
    what = "has cancelled it" if message.status == Status.CANCELLED else "may have opened it again"
    since = format_utc(order.completed_at or order.status_since)
    text = (
        f"Justifacts says “{message.shown_status}” about this check, which it completed on "
        f"{since} with the result {order.result}: it {what}. "
        "Ashby still shows the result. Ask Justifacts whether it still counts, and tell the recruiter."
    )
    flag_for_attention(order, AttentionTopic.RESULT, text)


def _flag_resumed(order: Order, message: StatusMessage) -> None:
    order.asked_about = as_question(message)
    order.justifacts_status = message.status_text or order.justifacts_status
    remember_timestamp(order, message)
    _record_after_end(order, message)
    since = format_utc(order.status_since)
    if order.status == Status.REJECTED:
        if is_flagged(order, AttentionTopic.PLACING):
            return
        what = (
            f"Justifacts refused this order on {since}, and runs it now (“{message.shown_status}”). Ask "
            "Justifacts to cancel it, or tell the recruiter."
        )
        flag_for_attention(order, AttentionTopic.PLACING, what)
        return
    result = ""
    if message.status == Status.COMPLETE:
        result = f" with the result “{message.result or NO_RESULT}”, so a report exists"
    text = (
        f"Justifacts cancelled this check on {since}, and now says “{message.shown_status}”{result}: it "
        "has resumed the check. Ashby still shows it as cancelled, and the portal does not cancel it. "
        "Ask Justifacts whether the check continues: if so, tell the recruiter; if not, have it cancelled."
    )
    flag_for_attention(order, AttentionTopic.CANCEL, text)


def can_accept_result(order: Order) -> bool:
    """Whether staff may replace the result with the other one that Justifacts has sent."""
    return order.status == Status.COMPLETE and bool(order.asked_about.get("can_be_taken"))


def accept_result(assessment_id: UUID, who: str, reason: str) -> str:
    """Replace the result with the one that came with an earlier time, and add an update for Ashby. ``who``:
    the name for the history. Returns the result. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not can_accept_result(order):
            raise NotPossible(_("Justifacts has not reported another result for this order."))
        other = order.asked_about
        text = str(other["text"])
        before = f"{ashby_label(order)}, {order.result}"
        unknown_status = text if text and status_of(text) is None else ""
        result, report = str(other["result"] or order.result), str(other["report"] or order.report_url)
        _set(order, unknown_status, result, report)
        if other["time"]:
            order.justifacts_timestamp, order.justifacts_time_is_ours = int(str(other["time"])), False
        drop_topic(order, AttentionTopic.RESULT)
        after = f"{ashby_label(order)}, {order.result}"
        what = f"{who} accepted “{after}” in place of “{before}”."
        record_staff_action(order, OrderEvent.Kind.RESULT_ACCEPTED, what, reason)
        enqueue_completion(order, timezone.now(), str(other.get("result_as_said") or ""))
    return order.result
