"""The entry to placement: making an order's pending call to Justifacts."""

from uuid import UUID

from django.utils import timezone

from assessments.models import PendingCall
from assessments.orders.call import Lease

from .cancel import cancel
from .lease import acquire_lease
from .look_up import look_up, settle_without_placing
from .place import place

_CALLS = {PendingCall.PLACE: place, PendingCall.LOOK_UP: look_up, PendingCall.CANCEL: cancel}


def make_next_call(assessment_id: UUID) -> bool:
    """Make the order's pending call to Justifacts, if it is due and may be made now. Returns whether the
    order may have changed, so that updates for Ashby may be due."""
    lease = acquire_lease(assessment_id, timezone.now())
    if not isinstance(lease, Lease):
        return False
    if lease.order.next_call == PendingCall.PLACE and settle_without_placing(lease):
        return True
    return _CALLS[PendingCall(lease.order.next_call)](lease)
