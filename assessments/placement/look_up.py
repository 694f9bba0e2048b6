"""Orders that waited long before their first try: placed within seconds is usual."""

from datetime import timedelta

from assessments.models import CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.transaction import locked_order, record_event, schedule_call
from assessments.placement.lease import Lease

#: An order that has waited for so long before its first try is looked up first.
LOOK_UP_FIRST_AFTER = timedelta(minutes=2)


def requires_look_up(claimed: Lease) -> bool:
    """An order that was never tried is placed within seconds. One that was not comes from an outage, or
    from a backup of books that Justifacts is ahead of: it is looked up first. So is one of which Justifacts
    speaks already."""
    order, now = claimed.order, claimed.now()
    is_spoken_of = bool(order.justifacts_status) and not order.events.filter(kind="looked_up_first").exists()
    has_waited = now - order.created_at >= LOOK_UP_FIRST_AFTER and not _was_tried(order)
    if not (is_spoken_of or has_waited):
        return False
    with locked_order(order.pk) as order:
        if order.lease_token == claimed.token:
            schedule_call(order, PendingCall.LOOK_UP, now)
            if is_spoken_of:
                order.failing_since = now
                kind, why = "looked_up_first", "Justifacts speaks of the order, and has not said its number"
            else:
                kind, why = "waited_long", "The order has waited for longer than is usual"
            what = f"{why}, so the portal asks Justifacts first whether it has it already."
            record_event(order, OrderEvent.Source.PORTAL, kind, what)
    return True


def _was_tried(order: Order) -> bool:
    """Whether the portal may have called Justifacts for it, or has asked about it for waiting long."""
    tried = ["placing_interrupted", "made_again", "looked_up_first", "waited_long", "placed_again"]
    return order.attempts.exists() or order.events.filter(kind__in=tried).exists()


def never_sent(order: Order) -> bool:
    """Looked up for waiting long alone, so that without a certain answer it can be placed all the same."""
    doubts = ["placing_interrupted", "made_again", "looked_up_first", "placing_unknown"]
    return (
        order.events.filter(kind="waited_long").exists()
        and not order.attempts.filter(call=CallAttempt.Call.PLACE).exists()
        and not order.events.filter(kind__in=doubts).exists()
    )
