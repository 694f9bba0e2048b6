"""What follows when a placement does not succeed (``docs/protocol.md``, "Placing once").

``Refused``, ``Unauthorized``
    Rejected, with Justifacts' own text.
``NotSent``
    Placed again, with backoff. After an hour the order needs attention; the retries continue.
``Unknown``, ``NoAnswer``, ``NotTheProtocol``
    Looked up by our reference.
``UnclearRefusal``, ``ServerError``
    Looked up. After two "not found" answers it is placed once more. If that gets the same answer, the order
    is looked up again, because Justifacts may have accepted it nevertheless; two more "not found" answers
    make the answer a refusal. If it gets a different answer, the order needs attention and is not placed
    again.
The same with a code of ``TEMPORARY_CODES``
    Looked up. After two "not found" answers it is placed again, with backoff. After an hour the order needs
    attention; the retries continue.
409 for an order that may have been accepted
    Like ``UnclearRefusal``: the conflict may be with this very order.
"""

import hashlib
from datetime import datetime, timedelta

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.transaction import (
    backoff_delay,
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

#: The first look-up waits, because Justifacts may still be processing the placement.
FIRST_LOOK_UP = timedelta(seconds=2)
ASK_ABOUT_PLACING_AFTER = timedelta(hours=1)


def record_placement_failure(order: Order, failure: CallFailed, now: datetime) -> None:
    """Apply the table above to an order. The caller has locked the order and saves it."""
    is_conflict = isinstance(failure, Refused) and failure.answer.status == 409
    if isinstance(failure, UnclearRefusal) or (is_conflict and order.may_have_been_sent):
        if failure.code in TEMPORARY_CODES:
            _unavailable(order, failure, now)
        else:
            _unclear(order, failure, now)
    elif isinstance(failure, Refused):
        hint = " Check the verification key of the connection." if isinstance(failure, Unauthorized) else ""
        reject(order, _provider_text(failure), now, hint=hint)
    elif isinstance(failure, NotSent):
        _not_sent(order, failure, now)
    else:
        clear_attention(order, AttentionTopic.PLACING)
        _unknown(order, failure, now)


def clear_placement_failures(order: Order) -> None:
    """Clear the record of failed placements, because Justifacts has the order or staff resubmit it. The
    caller saves the order."""
    order.placing_refusal, order.placing_refusal_repeated = "", False
    order.placing_unavailable_since, order.placing_unavailable_count = None, 0


def _unclear(order: Order, failure: CallFailed, now: datetime) -> None:
    digest = hashlib.sha256((failure.code or failure.message).encode()).hexdigest()
    is_second = bool(order.placing_refusal)
    order.placing_refusal_repeated = order.placing_refusal == digest
    order.placing_refusal = digest
    clear_attention(order, AttentionTopic.PLACING)
    _unknown(order, failure, now)
    if order.placing_refusal_repeated:
        order.last_call_error = _provider_text(failure)
    elif is_second:
        # Otherwise two alternating answers would place the order again and again.
        order.placing_unavailable_since = None
        text = (
            f"Justifacts answered the placement with two different errors. The last one: {failure.sentence} "
            "The portal looks the order up, but will not place it again. Ask Justifacts whether it has an "
            "order with this reference."
        )
        flag_for_attention(order, AttentionTopic.PLACING, text)


def _unavailable(order: Order, failure: CallFailed, now: datetime) -> None:
    order.placing_unavailable_count += 1
    order.placing_unavailable_since = order.placing_unavailable_since or now
    _unknown(order, failure, now)
    if now - order.placing_unavailable_since > ASK_ABOUT_PLACING_AFTER and not order.has_ended:
        _flag_after_an_hour(order, "Justifacts has not accepted the order", failure)


def _provider_text(failure: CallFailed) -> str:
    """Justifacts' own text, for Ashby; ``message`` masks the candidate's name."""
    return failure.answer.reason or failure.message


def reject(order: Order, reason: str, now: datetime, *, hint: str = "") -> None:
    """Reject an order that Justifacts certainly does not have. ``hint`` is for the history only. The caller
    has locked the order and saves it."""
    schedule_call(order, PendingCall.NONE, None)
    if order.has_ended:
        return
    set_status(order, Status.REJECTED, now)
    order.closing_reason = reason
    clear_attention(order, AttentionTopic.PLACING)
    text = f"Justifacts refused the order: {reason}{hint}"
    record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.REJECTED, text)
    enqueue_cancellation(order, reason, now)


def _not_sent(order: Order, failure: NotSent, now: datetime) -> None:
    if order.has_ended:
        schedule_call(order, PendingCall.NONE, None)
        return
    reschedule_call(order, failure, now)
    if not order.may_have_been_sent:
        # Otherwise Justifacts mentioned the order during this call, or an earlier placement may have arrived.
        order.cleared_for_placement = True
    if order.failing_since and now - order.failing_since > ASK_ABOUT_PLACING_AFTER:
        _flag_after_an_hour(order, "The order could not be sent to Justifacts", failure)


def _flag_after_an_hour(order: Order, what: str, failure: CallFailed) -> None:
    text = (
        f"{what} for more than an hour: {failure.sentence} The portal keeps retrying. An admin of "
        "the organization can check the connection."
    )
    flag_for_attention(order, AttentionTopic.PLACING, text)


def _unknown(order: Order, failure: CallFailed, now: datetime) -> None:
    wait = FIRST_LOOK_UP if failure.retry_after is None else backoff_delay(1, failure.retry_after)
    schedule_look_up(order, now + wait)
    order.last_call_error = failure.message
    if isinstance(failure, NoAnswer) or failure.code in TIMEOUT_CODES:
        order.failing_since = now
    text = f"It is unknown whether Justifacts accepted the order: {failure.sentence} The portal looks it up."
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.PLACEMENT_UNKNOWN, text)
