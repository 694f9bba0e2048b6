"""Looking an order up at Justifacts by our reference, where it may have been placed already.

An order is looked up after a placement with an unknown outcome. It is also looked up before its first
placement if that is late, or if Justifacts has already mentioned the order.

"Not found" is certain only in the protocol's JSON, with a code about the order: a 404 page proves nothing. It
counts once Justifacts has answered it twice.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import (
    backoff_delay,
    clear_attention,
    flag_for_attention,
    locked_order,
    record_event,
    reschedule_call,
    schedule_call,
    schedule_look_up,
)
from integrations.connections.clients import justifacts_client
from integrations.http.errors import CallFailed, Refused
from integrations.justifacts.client import Found, OrderNotFound

from .failures import reject
from .place import record_acceptance

#: An order that has waited so long before its first placement is looked up first.
LOOK_UP_FIRST_AFTER = timedelta(minutes=2)
#: The time between the two "not found" answers that count as certain.
SECOND_LOOK_UP = timedelta(seconds=10)
#: After a placement without an answer, "not found" is not certain before this: Justifacts may still have been
#: processing the placement.
CERTAIN_AFTER_SILENCE = timedelta(seconds=20)
#: After this many look-ups without a certain answer the order needs attention.
UNCERTAIN_LOOK_UPS = 3


def settle_without_placing(lease: Lease[Order]) -> bool:
    """Settle a due placement that must not be made now, because the order has ended or must be looked up
    first. Returns whether it was settled. Call this before the circuit breaker is asked: an open breaker lets
    one caller through, which must then make its call.

    Orders are normally placed within seconds. A late first placement follows an outage, or the restore of a
    backup that is older than the placement.
    """
    order, now = lease.order, timezone.now()
    is_late = now - order.created_at >= LOOK_UP_FIRST_AFTER
    is_doubtful = not order.cleared_for_placement and (order.may_have_been_sent or is_late)
    if not (order.has_ended or is_doubtful):
        return False
    with locked_order(order.pk) as order:
        if order.lease_token != lease.token:
            return True
        if order.has_ended:
            schedule_call(order, PendingCall.NONE, None)
            return True
        kind, why = OrderEvent.Kind.PLACEMENT_DELAYED, "The order has waited longer than usual"
        is_mentioned = order.may_have_been_sent
        schedule_look_up(order, now, is_precaution=not is_mentioned)
        if is_mentioned:
            order.failing_since = now
            kind = OrderEvent.Kind.LOOKED_UP_FIRST
            why = "Justifacts has mentioned the order without its number"
        what = f"{why}, so the portal looks it up at Justifacts before placing it."
        record_event(order, OrderEvent.Source.PORTAL, kind, what)
    return True


def look_up(lease: Lease[Order]) -> bool:
    """Ask Justifacts whether it has the order, and record the answer. False: no call could be made now."""

    def send() -> Found:
        order = lease.order
        client = justifacts_client(order.organization.connection)
        return client.status(reference_id=str(order.assessment_id), hide=order.personal_data)

    return perform(lease, CallAttempt.Call.LOOK_UP, send, _record) is not None


def _record(order: Order, outcome: Found | CallFailed, now: datetime) -> None:
    if isinstance(outcome, Found):
        what = f"Justifacts already had the order, as number {outcome.justifacts_order_id}."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.LINKED, what)
        record_acceptance(order, outcome, "when asked", now)
    elif isinstance(outcome, OrderNotFound):
        _not_found(order, now)
    else:
        _uncertain(order, outcome, now)


def _not_found(order: Order, now: datetime) -> None:
    if not order.may_have_been_sent:
        schedule_call(order, PendingCall.PLACE, now)
        return
    order.not_found_count += 1
    order.release_lease()
    since = order.failing_since
    if order.not_found_count < 2 or (since and now - since < CERTAIN_AFTER_SILENCE):
        order.next_attempt_at = now + SECOND_LOOK_UP
    elif order.has_ended:
        schedule_call(order, PendingCall.NONE, None)
        clear_attention(order, AttentionTopic.PLACING)
        what = "Justifacts never accepted the order."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.NOT_FOUND, what)
    elif order.placing_refusal_repeated:
        reject(order, order.last_call_error, now)
    elif order.needs_attention and order.placing_unavailable_since is None:
        order.next_attempt_at = now + backoff_delay(order.not_found_count + 3)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            "Justifacts now says that it has no such order. Its earlier answers were not certain, so the "
            "portal does not place the order again by itself. Ask Justifacts, then resubmit or cancel it.",
        )
    else:
        count = order.placing_unavailable_count
        schedule_call(order, PendingCall.PLACE, now + backoff_delay(count) if count else now)
        text = "Justifacts does not have the order; the portal places it again."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.NOT_FOUND, text)


def _uncertain(order: Order, failure: CallFailed, now: datetime) -> None:
    order.not_found_count = 0
    if isinstance(failure, Refused) and not order.may_have_been_sent:
        # Justifacts refuses look-ups, and the delay alone does not suggest that it has the order.
        schedule_call(order, PendingCall.PLACE, now)
        return
    refusal = order.last_call_error
    reschedule_call(order, failure, now)
    if order.placing_refusal_repeated:
        order.last_call_error = refusal
    if isinstance(failure, Refused) or order.call_failures >= UNCERTAIN_LOOK_UPS:
        order.placing_unavailable_since = None  # It is not placed again automatically.
        text = (
            "It is unknown whether Justifacts accepted the order, and Justifacts gives no certain answer: "
            f"{failure.sentence} The portal keeps looking it up, but will not place the order again. "
            "Ask Justifacts whether it has an order with this reference."
        )
        flag_for_attention(order, AttentionTopic.PLACING, text)
