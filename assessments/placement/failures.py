"""What follows when a placement does not succeed (``docs/protocol.md``, "Placing once").

``Refused``, ``Unauthorized``
    Rejected, with Justifacts' own words.
``NotSent``
    Placed again, with backoff. After an hour a person is asked, and the retries go on.
``Unknown``, ``NoAnswer``, ``NotTheProtocol``
    Looked up by our reference.
``UnclearRefusal``, ``ServerError``
    Looked up. Twice "not found": placed once more. After the same answer again the order is looked up again,
    because that placement may have been accepted in spite of it; "not found" twice makes the answer a
    refusal. After another such answer a person is asked, and no machine places the order again.
... with a code of ``TEMPORARY_CODES``
    Looked up. Twice "not found": placed again, with backoff. After an hour a person is asked, and the retries
    go on.
409 to an order that may have been accepted
    As ``UnclearRefusal``: Justifacts may speak of that very order.
"""

import hashlib
from datetime import datetime, timedelta

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.backoff import backoff_delay
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    record_event,
    reschedule_call,
    schedule_call,
    schedule_look_up,
    set_status,
)
from assessments.outbox.compose import enqueue_cancellation
from assessments.statuses import Status
from integrations.http.error_codes import TEMPORARY_CODES, TIMEOUT_CODES
from integrations.http.errors import CallFailed, NoAnswer, NotSent, Refused, Unauthorized, UnclearRefusal

#: Justifacts may still be working on what it has just been sent, so the first look-up waits.
FIRST_LOOK_UP = timedelta(seconds=2)
ASK_ABOUT_PLACING_AFTER = timedelta(hours=1)


def record_placement_failure(order: Order, failure: CallFailed, now: datetime) -> None:
    """Decide what follows. The caller has locked the order and saves it."""
    if isinstance(failure, UnclearRefusal) or _may_speak_of_this_order(order, failure):
        if failure.code in TEMPORARY_CODES:
            _unavailable(order, failure, now)
        else:
            _unclear(order, failure, now)
    elif isinstance(failure, Refused):
        is_about_the_key = isinstance(failure, Unauthorized)
        hint = " Check the verification key of the connection." if is_about_the_key else ""
        _rejected(order, _words_of(failure), now, hint=hint)
    elif isinstance(failure, NotSent):
        _not_sent(order, failure, now)
    else:
        clear_attention(order, AttentionTopic.PLACING)
        _unknown(order, failure, now)


def clear_placement_failures(order: Order) -> None:
    """Clear what is known of failed placements: Justifacts has the order, or a person has it placed again.
    The caller saves it."""
    order.placing_refusal, order.placing_refusal_repeated = "", False
    order.placing_unavailable_since, order.placing_unavailable_count = None, 0


def _may_speak_of_this_order(order: Order, failure: CallFailed) -> bool:
    """Whether "already being assessed" may be about the order that an earlier call placed."""
    is_conflict = isinstance(failure, Refused) and failure.answer.status == 409
    return is_conflict and order.may_have_been_sent


def _unclear(order: Order, failure: CallFailed, now: datetime) -> None:
    words = hashlib.sha256((failure.code or failure.message).encode()).hexdigest()
    is_second = bool(order.placing_refusal)
    order.placing_refusal_repeated = order.placing_refusal == words
    order.placing_refusal = words
    clear_attention(order, AttentionTopic.PLACING)
    _unknown(order, failure, now)
    if order.placing_refusal_repeated:
        order.last_call_error = _words_of(failure)
    elif is_second:
        # Else two answers in turn would place the order again and again.
        order.placing_unavailable_since = None
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts has answered the placing with two different errors, the last one: "
            f"{failure.sentence} The portal asks whether Justifacts has the order, but will not place it "
            "again. Ask Justifacts whether it has an order with this reference.",
        )


def _unavailable(order: Order, failure: CallFailed, now: datetime) -> None:
    order.placing_unavailable_count += 1
    order.placing_unavailable_since = order.placing_unavailable_since or now
    _unknown(order, failure, now)
    if now - order.placing_unavailable_since > ASK_ABOUT_PLACING_AFTER and not order.has_ended:
        _ask_about_the_hour(order, "Justifacts has not taken the order", failure)


def reject_after_repeated_refusal(order: Order, now: datetime) -> None:
    """Justifacts has given the same unclear answer to two placements, and certainly has no order. The caller
    has locked the order and saves it."""
    _rejected(order, order.last_call_error, now)


def _words_of(failure: CallFailed) -> str:
    """Justifacts' own words, for Ashby; ``message`` would hide the candidate's name."""
    return failure.answer.reason or failure.message


def _rejected(order: Order, reason: str, now: datetime, *, hint: str = "") -> None:
    schedule_call(order, PendingCall.NONE, None)
    if order.has_ended:
        return
    set_status(order, Status.REJECTED, now)
    order.closing_reason = reason
    clear_attention(order, AttentionTopic.PLACING)
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        OrderEvent.Kind.REJECTED,
        f"Justifacts refused the order: {reason}{hint}",
    )
    enqueue_cancellation(order, reason, now)


def _not_sent(order: Order, failure: NotSent, now: datetime) -> None:
    if order.has_ended:
        schedule_call(order, PendingCall.NONE, None)
        return
    reschedule_call(order, failure, now)
    if not order.may_have_been_sent:
        # Else Justifacts has mentioned the order while this call was made, or was asked before.
        order.cleared_for_placement = True
    if order.failing_since and now - order.failing_since > ASK_ABOUT_PLACING_AFTER:
        _ask_about_the_hour(order, "The order could not be sent to Justifacts", failure)


def _ask_about_the_hour(order: Order, what: str, failure: CallFailed) -> None:
    flag_for_attention(
        order,
        AttentionTopic.PLACING,
        f"{what} for more than an hour: {failure.sentence} The portal goes on trying; an admin of "
        "the organization can check the connection.",
    )


def _unknown(order: Order, failure: CallFailed, now: datetime) -> None:
    wait = FIRST_LOOK_UP if failure.retry_after is None else backoff_delay(1, failure.retry_after)
    schedule_look_up(order, now + wait)
    order.last_call_error = failure.message
    if isinstance(failure, NoAnswer) or failure.code in TIMEOUT_CODES:
        order.failing_since = now
    record_event(
        order,
        OrderEvent.Source.PORTAL,
        OrderEvent.Kind.PLACEMENT_UNKNOWN,
        f"Whether Justifacts took the order is not known: {failure.sentence} The portal asks Justifacts.",
    )
