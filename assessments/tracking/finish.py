"""How an order ends by cancellation."""

from datetime import datetime

from assessments.models import AttentionTopic, CancelledBy, Order, OrderEvent, PendingCall
from assessments.orders.transaction import clear_attention, record_event, schedule_call, set_status
from assessments.outbox.compose import enqueue_cancellation
from assessments.statuses import Status


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
    if order.next_call == PendingCall.PLACE or (
        order.next_call == PendingCall.LOOK_UP and source == OrderEvent.Source.JUSTIFACTS
    ):
        clear_attention(order, AttentionTopic.PLACING)
    if source == OrderEvent.Source.JUSTIFACTS:
        schedule_call(order, PendingCall.NONE, None)
    elif order.justifacts_order_id:
        schedule_call(order, PendingCall.CANCEL, now)
    elif order.next_call == PendingCall.PLACE and order.lease_token is None:
        schedule_call(order, PendingCall.NONE, None)
    # Otherwise a placement is in progress or its outcome is unknown; ``link_provider_order`` cancels then.
