"""Whether an order can be erased on request now."""

from assessments.models import NextCall, Order, Update
from assessments.statuses import Status

from .plain import plain

HELD = "It is under a legal hold. Lift the hold first, if it is no longer needed."
ON_THE_WAY = (
    "The check is still on the way (“{status}”). Cancel it, or wait for its end, then have the candidate "
    "forgotten again."
)
UNTOLD = (
    "Ashby does not know yet how the check ended. Retry what waits on the order's page, or set it aside, then "
    "have the candidate forgotten again."
)
UNSETTLED = (
    "Justifacts does not know yet that the check is cancelled. Retry it on the order's page, then have the "
    "candidate forgotten again."
)


def why_kept(order: Order) -> str:
    """Why the order cannot be erased now, and what to do; empty: it can."""
    if order.legal_hold:
        return HELD
    if not order.has_ended:
        return ON_THE_WAY.format(status=plain(Status(order.status).label))
    if order.updates.filter(state__in=Update.UNSAID).exists():
        return UNTOLD
    if order.next_call not in (NextCall.NONE, NextCall.POLL):
        return UNSETTLED
    return ""
