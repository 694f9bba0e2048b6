from datetime import datetime

from assessments.models import CancelledBy, Concern, Event, NextCall, Order
from assessments.orders.transaction import move, record, schedule, settle
from assessments.outbox.compose import tell_end
from assessments.statuses import Status


def end_as_cancelled(order: Order, reason: str, source: Event.Source, now: datetime) -> None:
    """Ends an active order, tells Ashby, and decides what Justifacts must still be told. The
    caller holds and saves the order."""
    move(order, Status.CANCELLED, now)
    order.end_reason = reason
    order.cancelled_by = CancelledBy(source)
    order.status_is_unknown = False
    record(order, source, "cancelled", f"The check was cancelled: {reason}")
    tell_end(order, reason, now)
    if source == Event.Source.ASHBY:
        # Else Ashby has yet to learn of it, and a refused update in its way still needs a person.
        settle(order, Concern.DELIVERY)
    if order.next_call == NextCall.PLACE or (
        order.next_call == NextCall.LOOK_UP and source == Event.Source.JUSTIFACTS
    ):
        settle(order, Concern.PLACING)
    if source == Event.Source.JUSTIFACTS:
        schedule(order, NextCall.NONE, None)
    elif order.justifacts_order_id:
        schedule(order, NextCall.CANCEL, now)
    elif order.next_call == NextCall.PLACE and order.claim_token is None:
        schedule(order, NextCall.NONE, None)
