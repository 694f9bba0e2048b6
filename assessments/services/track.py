"""Justifacts' word on an order, by push, by poll or with an answer: recorded, applied if it moves
the order forward, and told to Ashby (contract, sections 3 and 4)."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from assessments.models import Concern, Event, InboundCall, NextCall, Order
from assessments.statuses import NO_RESULT, RESULTS, Status, may_follow, result_of, status_of
from integrations.crash_points import reach
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate, Data

from .attention import ask_human, settle
from .cancel import end_as_cancelled
from .changing import changing, record, record_once
from .inbound import keep_about
from .moving import move
from .plain import plain
from .reports import address_in, take_address
from .scheduling import schedule
from .tell import label_of, milliseconds, tell_completion, tell_status, tell_word
from .waits import longest_poll_wait, poll_wait

#: A completed order is polled on for this long, at the longest interval.
POLL_AFTER_COMPLETION = timedelta(days=1)

_JUSTIFACTS = Event.Source.JUSTIFACTS


class WrongOrderNumber(Exception):
    """A word names our reference together with an order number that cannot be right."""


def receive_push(connection: Connection, word: AssessmentUpdate, call: InboundCall, now: datetime) -> Order:
    """Justifacts pushed a word. Raises ``Order.DoesNotExist`` where the org has no such order, and
    ``WrongOrderNumber``."""
    found = find(connection, word)
    with changing(found.pk) as order:
        if order.is_erased:
            keep_about(call, order, "erased")
            return order
        number = word.assessment_id
        if number and number != str(order.pk):
            if order.justifacts_order_id not in ("", number) or is_taken(order, number):
                raise WrongOrderNumber
            if not order.justifacts_order_id:
                record(order, _JUSTIFACTS, "adopted", f"Justifacts speaks of the order as number {number}.")
                adopt(order, number, now)
        moved = apply_word(order, word, "by push", now)
        keep_about(call, order, "applied" if moved else "recorded")
        reach("push.before_commit")
    return order


def find(connection: Connection, word: AssessmentUpdate) -> Order:
    """The order that a word is about: by our reference; else by their number, or by our id in the place
    of theirs. Raises ``Order.DoesNotExist``."""
    # Unordered: SQLite would rather walk all of the org's orders by date than sort the one it finds.
    orders = Order.objects.order_by().filter(organization=connection.organization_id)
    if word.reference_id:
        return _by_our_id(orders, word.reference_id)
    found = next(iter(orders.filter(justifacts_order_id=word.assessment_id)), None)
    return found or _by_our_id(orders, word.assessment_id)


def _by_our_id(orders: "QuerySet[Order]", text: str) -> Order:
    try:
        return orders.get(pk=UUID(text))
    except ValueError:
        raise Order.DoesNotExist from None


def is_taken(order: Order, number: str) -> bool:
    """Whether another order of the organization has this number at Justifacts."""
    others = Order.objects.filter(organization=order.organization_id, justifacts_order_id=number)
    return others.exclude(pk=order.pk).exists()


def adopt(order: Order, number: str, now: datetime) -> None:
    """Justifacts has the order, under this number. The caller holds and saves the order."""
    if is_taken(order, number):
        schedule(order, NextCall.NONE, None)
        ask_human(
            order,
            Concern.PLACING,
            f"Justifacts gave this order the number {number}, which another order has already. "
            "Ask Justifacts which check belongs to this candidate.",
        )
        return
    order.justifacts_order_id = number
    order.placed_at = order.placed_at or now
    settle(order, Concern.PLACING)
    if order.status == Status.CANCELLED:
        schedule(order, NextCall.CANCEL, now)
    elif order.status == Status.REJECTED:
        schedule(order, NextCall.NONE, None)
        ask_human(
            order,
            Concern.PLACING,
            f"Justifacts had refused this order, but runs it as number {number}. Ask Justifacts "
            "to cancel it, or tell the recruiter.",
        )
    else:
        if may_follow(Status(order.status), Status.RECEIVED):
            move(order, Status.RECEIVED, now)
            tell_status(order, Status.RECEIVED, now)
        schedule(order, NextCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))


def apply_word(order: Order, word: AssessmentUpdate, how: str, now: datetime) -> bool:
    """Whether the word changed what is true. The caller holds and saves the order.

    A presence of ``cancelled_reason`` or ``assessment_result`` means cancelled or complete, as in
    Ashby's protocol. An unknown status is told as it stands and does not move the order. Of an erased
    order nothing is heard any more.
    """
    if order.is_erased:
        return False
    word = without_the_candidate(order, word)
    text = str(word.status.value).strip()[:500] if word.status else ""
    target = target_of(word, text)
    if order.has_ended:
        return _after_the_end(order, word, target, text, how, now)
    if target == order.status and not order.status_is_unknown:
        order.justifacts_status = text or order.justifacts_status
        return False
    if target is None and text == order.justifacts_status:
        return False
    goes_back = target is not None and not may_follow(Status(order.status), target)
    # Words that we do not know, and the one before them, have no rank: Justifacts' time tells which is older.
    if _is_older(order, word) if target in (None, order.status) else goes_back:
        _record_late(order, text, how)
        return False
    _heard(order, word, text, now)
    if target == Status.CANCELLED:
        reason = str(word.cancelled_reason.value) if word.cancelled_reason else "Cancelled at Justifacts"
        end_as_cancelled(order, reason, _JUSTIFACTS, now)
    elif target == Status.COMPLETE:
        _complete(order, word, how, now)
    elif target == order.status:
        record(order, _JUSTIFACTS, "status", f"Justifacts said “{text}” {how}, as before.")
        tell_word(order, label_of(order), now)
        _poll_from_the_start(order, now)
    elif target is not None:
        move(order, target, now)
        record(order, _JUSTIFACTS, "status", f"Justifacts said “{text}” {how}.")
        tell_status(order, target, now)
        _poll_from_the_start(order, now)
    else:
        record(
            order,
            _JUSTIFACTS,
            "unknown_status",
            f"Justifacts said “{text}” {how}, a status that we do not know; Ashby is told so as it stands.",
        )
        tell_word(order, text, now)
        _poll_from_the_start(order, now)
    return True


def without_the_candidate(order: Order, word: AssessmentUpdate) -> AssessmentUpdate:
    """The word, should it name the candidate, without. Words that we know stay as they are, and so does a
    status or result of one word: somebody may be called Clear, or Green, and Ashby would be told dots."""
    hide = order.personal_data
    status, result, reason = word.status, word.result, word.cancelled_reason
    if status and not status_of(str(status.value)) and not _is_one_word(status):
        status = status.without(hide)
    if result and result_of(str(result.value)) not in RESULTS and not _is_one_word(result):
        result = result.without(hide)
    return replace(word, status=status, result=result, cancelled_reason=reason and reason.without(hide))


def _is_one_word(data: Data) -> bool:
    return str(data.value).strip().isalpha()


def next_poll(order: Order, now: datetime) -> datetime | None:
    """When the order is asked for next, if nothing changes; None: it rests."""
    base = settings.POLL_INTERVAL_SECONDS
    if order.status == Status.COMPLETE and order.completed_at:
        following = now + timedelta(seconds=longest_poll_wait(base))
        return following if following <= order.completed_at + POLL_AFTER_COMPLETION else None
    return None if order.has_ended else now + poll_wait(now - order.status_since, base)


def is_news(order: Order, word: AssessmentUpdate) -> bool:
    """Whether a word can change anything: most polls repeat the last one."""
    text = str(word.status.value).strip()[:500] if word.status else ""
    if order.status == Status.COMPLETE:
        same_result = word.result is None or result_of(str(word.result.value)) == order.result
        same_report = address_in(word.profile_url) in ("", order.report_url)
        return not (target_of(word, text) == Status.COMPLETE and same_result and same_report)
    return text != order.justifacts_status or word.result is not None or word.cancelled_reason is not None


def target_of(word: AssessmentUpdate, text: str) -> Status | None:
    """The status that a word stands for; None for one that we do not know."""
    if word.cancelled_reason:
        return Status.CANCELLED
    if word.result:
        return Status.COMPLETE
    return status_of(text)


def _heard(order: Order, word: AssessmentUpdate, text: str, now: datetime) -> None:
    order.justifacts_status = (text or order.justifacts_status)[:500]
    order.status_is_unknown = bool(order.justifacts_status) and status_of(order.justifacts_status) is None
    order.justifacts_timestamp = max(order.justifacts_timestamp, _said_at(word, now))


def _is_older(order: Order, word: AssessmentUpdate) -> bool:
    """By Justifacts' own time only: our clock may have been set back."""
    return bool(word.timestamp) and (word.timestamp or 0) < order.justifacts_timestamp


def _record_late(order: Order, said: str, how: str) -> None:
    record_once(
        order, _JUSTIFACTS, "late", f"Justifacts said “{said}” {how}, which is older than what we know."
    )


def _said_at(word: AssessmentUpdate, now: datetime) -> int:
    """Justifacts' time of the word; one from the future would hold back every later result."""
    return min(word.timestamp or milliseconds(now), milliseconds(now))


def _poll_from_the_start(order: Order, now: datetime) -> None:
    # While a placing is not settled, its outcome decides what is asked next.
    if order.next_call == NextCall.POLL:
        schedule(order, NextCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))


def _complete(order: Order, word: AssessmentUpdate, how: str, now: datetime) -> None:
    move(order, Status.COMPLETE, now)
    order.completed_at = now
    order.turnaround_minutes = max(int((now - order.created_at).total_seconds() // 60), 0)
    order.status_is_unknown = False
    order.result = result_of(str(word.result.value))[:500] if word.result else NO_RESULT
    order.report_url = take_address(order, word.profile_url)
    record(order, _JUSTIFACTS, "completed", f"Justifacts completed the check {how}: {order.result}.")
    tell_completion(order, now)
    if order.next_call == NextCall.POLL:
        schedule(order, NextCall.POLL, next_poll(order, now))


def _after_the_end(
    order: Order, word: AssessmentUpdate, target: Status | None, text: str, how: str, now: datetime
) -> bool:
    if target == Status.COMPLETE and order.status == Status.COMPLETE:
        return _changed_result(order, word, how, now)
    if target == Status.CANCELLED and order.status == Status.CANCELLED:
        if order.next_call == NextCall.CANCEL:
            schedule(order, NextCall.NONE, None)
        settle(order, Concern.CANCEL)
        return False
    if target == Status.COMPLETE and order.status == Status.CANCELLED:
        ask_human(
            order,
            Concern.CANCEL,
            "Justifacts completed this check although it had been cancelled. Ashby was not told. "
            "Tell the recruiter that a report exists at Justifacts, or ask Justifacts about the bill.",
        )
    said = text or (plain(target.label) if target else "nothing")
    record_once(
        order, _JUSTIFACTS, "after_end", f"Justifacts said “{said}” {how}, after the check had ended."
    )
    return False


def _changed_result(order: Order, word: AssessmentUpdate, how: str, now: datetime) -> bool:
    """``Review`` may become ``Clear`` after completion; that is a new update. An older word that
    arrives late does not turn it back."""
    result = result_of(str(word.result.value))[:500] if word.result else order.result
    report_url = take_address(order, word.profile_url) or order.report_url
    if (result, report_url) == (order.result, order.report_url):
        return False
    if _is_older(order, word):
        _record_late(order, result, how)
        return False
    before, order.result, order.report_url = order.result, result, report_url
    what = f"the result from {before} to {result}" if before != result else "the report's address"
    record(order, _JUSTIFACTS, "result_changed", f"Justifacts changed {what} {how}.")
    _heard(order, word, "", now)
    tell_completion(order, now)
    return True
