"""What the portal does with a message about an order that has ended; ``after_end.py`` has the rules."""

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
from assessments.tracking.after_end import Step, as_question, said, shown, wanted
from assessments.tracking.report_url import take_report_url
from assessments.tracking.status_report import StatusReport, at, in_utc, remember_provider_status
from integrations.text import format_utc

_JUSTIFACTS = OrderEvent.Source.JUSTIFACTS


def apply(order: Order, heard: StatusReport, step: Step) -> bool:
    """Whether what is true has changed. The caller holds and saves the order."""
    match step:
        case Step.CHANGE:
            _change(order, heard)
            return True
        case Step.CONFIRM:
            _confirm(order, heard)
        case Step.DOUBT:
            _doubt(order, heard)
        case Step.CONTRADICT:
            _contradict(order, heard)
        case Step.TAKEN_UP:
            _taken_up(order, heard)
        case Step.CANCEL_SETTLED:
            if order.next_call == PendingCall.CANCEL:
                schedule_call(order, PendingCall.NONE, None)
            order.asked_about = {}
            # What Justifacts had refused, ran, and has cancelled now.
            clear_attention(
                order, AttentionTopic.PLACING if order.status == Status.REJECTED else AttentionTopic.CANCEL
            )
        case Step.COMPLETE_AFTER_CANCEL:
            flag_for_attention(
                order,
                AttentionTopic.CANCEL,
                "Justifacts completed this check although it had been cancelled. Ashby was not told. "
                "Tell the recruiter that a report exists at Justifacts, or ask Justifacts about the bill.",
            )
            _record_after_end(order, heard)
        case Step.LATE:
            record_late(order, heard)
        case Step.AFTER_END:
            _record_after_end(order, heard)
    return False


def record_late(order: Order, heard: StatusReport) -> None:
    what = f"“{heard.text}”" if heard.text else ""
    result = f"the result “{heard.result}”" if heard.result else ""
    words = " with ".join(part for part in (what, result) if part)
    text = f"Justifacts said {words}{at(heard)} {heard.how}, which is older than what we know."
    record_event_once(order, _JUSTIFACTS, OrderEvent.Kind.LATE, text)


def _record_after_end(order: Order, heard: StatusReport) -> None:
    text = f"Justifacts said “{said(heard)}” {heard.how}, after the check had ended."
    record_event_once(order, _JUSTIFACTS, OrderEvent.Kind.AFTER_END, text)


def _change(order: Order, heard: StatusReport) -> None:
    before = shown(order)
    word, result, report = wanted(order, heard)
    take_report_url(order, heard.message.profile_url)
    _set(order, word, result, report)
    if not word and heard.text:
        order.justifacts_status = heard.text
    remember_provider_status(order, heard)
    if result != before[1]:
        text = f"Justifacts changed the result from {before[1]} to {result} {heard.how}."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.RESULT_CHANGED, text)
    elif report != before[2]:
        record_event(
            order,
            _JUSTIFACTS,
            OrderEvent.Kind.RESULT_CHANGED,
            f"Justifacts changed the report's address {heard.how}.",
        )
    if word != before[0]:
        _record_word(order, heard, word)
    if not word:
        # A question about an earlier contradiction speaks of what the order no longer shows.
        clear_attention(order, AttentionTopic.RESULT)
    enqueue_completion(order, heard.now, heard.result_as_said)


def _set(order: Order, word: str, result: str, report: str) -> None:
    if word or order.status_unrecognized:
        order.justifacts_status = word or untranslated(Status.COMPLETE.label)
    order.status_unrecognized = bool(word)
    order.result, order.report_url, order.asked_about = result, report, {}


def _record_word(order: Order, heard: StatusReport, word: str) -> None:
    if not word:
        text = f"Justifacts said “{order.justifacts_status}” {heard.how}: the check is complete again."
        record_event(order, _JUSTIFACTS, OrderEvent.Kind.STATUS, text)
        return
    text = (
        f"Justifacts said “{word}” {heard.how}, a status that the portal does not know; Ashby shows it "
        "unchanged."
    )
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.UNKNOWN_STATUS, text)
    flag_for_attention(
        order,
        AttentionTopic.RESULT,
        f"Justifacts says “{word}” about this check, which was complete with the result {order.result}. "
        "Ashby shows that status, with the same result and report as before. Ask Justifacts whether the "
        "result still counts, and inform the recruiter before anyone decides on it.",
    )


def _confirm(order: Order, heard: StatusReport) -> None:
    order.asked_about = {}
    if heard.text:
        order.justifacts_status = heard.text
    text = f"Justifacts said “{said(heard)}” {heard.how}: the result stands at {order.result}."
    record_event(order, _JUSTIFACTS, OrderEvent.Kind.CONFIRMED, text)
    clear_attention(order, AttentionTopic.RESULT)


def _doubt(order: Order, heard: StatusReport) -> None:
    """The other result has the older time, and no clock explains it."""
    order.asked_about = as_question(heard) | {"can_be_taken": True}
    _record_after_end(order, heard)
    ours = f"“{ashby_label(order)}” with the result “{order.result}”"
    if not order.justifacts_time_is_ours:
        ours += f", dated {in_utc(order.justifacts_timestamp)}"
    dated = f", dated {in_utc(heard.time)}," if heard.time is not None else ""
    theirs = f"“{said(heard)}”" + (f" with the result “{heard.result}”" if heard.result else "")
    flag_for_attention(
        order,
        AttentionTopic.RESULT,
        f"Justifacts said {theirs}{dated} {heard.how}. The portal has {ours}. That one is newer by "
        "Justifacts' own times, so Ashby keeps it. Ask Justifacts which one is right. If it is the other "
        "one, press “Take the other result”; if not, press “Resolve”.",
    )


def _contradict(order: Order, heard: StatusReport) -> None:
    order.asked_about = as_question(heard)
    _record_after_end(order, heard)
    what = "has cancelled it" if heard.target == Status.CANCELLED else "may have opened it again"
    flag_for_attention(
        order,
        AttentionTopic.RESULT,
        f"Justifacts says “{said(heard)}” of this check, which it had completed on "
        f"{format_utc(order.completed_at or order.status_since)} with the result {order.result}: it {what}. "
        "Ashby still shows the result. Ask Justifacts whether the result stands, and tell the recruiter.",
    )


def _taken_up(order: Order, heard: StatusReport) -> None:
    order.asked_about = as_question(heard)
    order.justifacts_status = heard.text or order.justifacts_status
    remember_provider_status(order, heard)
    _record_after_end(order, heard)
    since = format_utc(order.status_since)
    if order.status == Status.REJECTED:
        if is_flagged(order, AttentionTopic.PLACING):
            return
        what = (
            f"Justifacts had refused this order on {since}, and runs it now (“{said(heard)}”). Ask "
            "Justifacts to cancel it, or tell the recruiter."
        )
        flag_for_attention(order, AttentionTopic.PLACING, what)
        return
    result = ""
    if heard.target == Status.COMPLETE:
        result = f" with the result “{heard.result or NO_RESULT}”, so a report exists"
    flag_for_attention(
        order,
        AttentionTopic.CANCEL,
        f"Justifacts had cancelled this check on {since}, and now says “{said(heard)}”{result}: it has taken "
        "the check up again. Ashby still shows it as cancelled, and the portal does not cancel it. Ask "
        "Justifacts whether the check goes on: if so, tell the recruiter; if not, have it stopped there.",
    )


def can_take_result(order: Order) -> bool:
    return order.status == Status.COMPLETE and bool(order.asked_about.get("can_be_taken"))


def take_result(assessment_id: UUID, who: str, reason: str) -> str:
    """What Justifacts said with the older time is true: it takes the place of the result that the portal had,
    and Ashby is told. The result; raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not can_take_result(order):
            raise NotPossible(_("Justifacts has said no other result of this order."))
        other = order.asked_about
        text = str(other["text"])
        before = f"{ashby_label(order)}, {order.result}"
        word = text if text and status_of(text) is None else ""
        _set(order, word, str(other["result"] or order.result), str(other["report"] or order.report_url))
        if other["time"]:
            order.justifacts_timestamp, order.justifacts_time_is_ours = int(str(other["time"])), False
        drop_topic(order, AttentionTopic.RESULT)
        now = f"{ashby_label(order)}, {order.result}"
        record_staff_action(
            order, OrderEvent.Kind.RESULT_TAKEN, f"{who} took “{now}” in place of “{before}”.", reason
        )
        enqueue_completion(order, timezone.now(), str(other.get("result_as_said") or ""))
    return order.result
