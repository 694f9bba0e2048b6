"""Looking an order up at Justifacts by our reference, where it may have been placed already.

An order is looked up after a placement of unknown outcome. It is also looked up before its first placement
where that comes late, or where Justifacts has already mentioned the order.

"Not found" is certain only in the protocol's JSON, with a code that speaks of the order: a 404 page says
nothing. It counts when Justifacts says it twice.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.backoff import backoff_delay
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    locked_order,
    record_event,
    reschedule_call,
    schedule_call,
    schedule_look_up,
)
from assessments.tracking.adopt import link_provider_order
from assessments.tracking.apply import apply_status
from assessments.tracking.not_understood import record_not_understood
from integrations.connections.clients import justifacts_client
from integrations.http.errors import CallFailed, Refused
from integrations.justifacts.client import Found, OrderNotFound

from .failures import clear_placement_failures, reject_after_repeated_refusal

#: An order that has waited so long before its first placement is looked up first.
LOOK_UP_FIRST_AFTER = timedelta(minutes=2)
#: "Not found" counts as certain when it is said twice, this far apart.
SECOND_LOOK_UP = timedelta(seconds=10)
#: ... and, after a call that nobody answered or that was interrupted, not before this: Justifacts may
#: still have been at it.
CERTAIN_AFTER_SILENCE = timedelta(seconds=20)
#: Look-ups without a certain answer before a person is asked.
UNCERTAIN_LOOK_UPS = 3


def settle_without_placing(lease: Lease[Order]) -> bool:
    """Settle a due placement that must not be made now, because the order has ended or has to be looked up
    first. Returns whether it was settled. To be asked before the circuit breaker: while that is open it lets
    a single call through, which must be made.

    Orders are normally placed within seconds. A first placement that comes late follows an outage, or a
    restored backup that does not know of the placement.
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
        is_mentioned = order.may_have_been_sent
        schedule_look_up(order, now, is_precaution=not is_mentioned)
        if is_mentioned:
            order.failing_since = now
            kind = OrderEvent.Kind.LOOKED_UP_FIRST
            why = "Justifacts speaks of the order, and has not said its number"
        else:
            kind, why = OrderEvent.Kind.PLACEMENT_DELAYED, "The order has waited for longer than is usual"
        what = f"{why}, so the portal asks Justifacts first whether it has it already."
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
        _found(order, outcome, now)
    elif isinstance(outcome, OrderNotFound):
        _not_found(order, now)
    else:
        _uncertain(order, outcome, now)


def _found(order: Order, found: Found, now: datetime) -> None:
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        OrderEvent.Kind.LINKED,
        f"Justifacts had taken the order, as number {found.justifacts_order_id}.",
    )
    link_provider_order(order, found.justifacts_order_id, now)
    clear_placement_failures(order)
    if found.not_understood:
        record_not_understood(order, found.not_understood, "when asked")
    if found.update and order.justifacts_order_id == found.justifacts_order_id:
        apply_status(order, found.update, "when asked", now)


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
        what = "Justifacts never took the order."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.NOT_FOUND, what)
    elif order.placing_refusal_repeated:
        reject_after_repeated_refusal(order, now)
    elif order.needs_attention and order.placing_unavailable_since is None:
        order.next_attempt_at = now + backoff_delay(order.not_found_count + 3)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            "Justifacts now says that it has no such order. It was unsure before, so the portal does not "
            "place it again by itself. Ask Justifacts, then place it again or cancel it.",
        )
    else:
        count = order.placing_unavailable_count
        schedule_call(order, PendingCall.PLACE, now + backoff_delay(count) if count else now)
        record_event(
            order,
            OrderEvent.Source.JUSTIFACTS,
            OrderEvent.Kind.NOT_FOUND,
            "Justifacts has not taken the order; the portal places it again.",
        )


def _uncertain(order: Order, failure: CallFailed, now: datetime) -> None:
    order.not_found_count = 0
    if isinstance(failure, Refused) and not order.may_have_been_sent:
        # Justifacts does not answer such questions; that it has waited long is no doubt by itself.
        schedule_call(order, PendingCall.PLACE, now)
        return
    refusal = order.last_call_error
    reschedule_call(order, failure, now)
    if order.placing_refusal_repeated:
        order.last_call_error = refusal
    if isinstance(failure, Refused) or order.call_failures >= UNCERTAIN_LOOK_UPS:
        order.placing_unavailable_since = None  # No machine places it again now.
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            "Whether Justifacts took the order is not known, and Justifacts gives no certain answer: "
            f"{failure.sentence} The portal goes on asking, but will not place the order again. Ask "
            "Justifacts whether it has an order with this reference.",
        )
