"""Leasing an order's next call to Justifacts, so that no other worker makes it."""

from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from django.db.models import Q

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.models.leases import LeasedQuerySet, send_deadline
from assessments.orders.call import Lease
from assessments.orders.transaction import clear_attention, locked_order, record_event, schedule_look_up
from integrations.connections.circuit_breaker import is_blocked
from integrations.connections.endpoints import Endpoint

CALLS = (PendingCall.PLACE, PendingCall.LOOK_UP, PendingCall.CANCEL)


class NoLease(Enum):
    #: No call is due, or another worker is making it.
    NOTHING_TO_DO = auto()
    #: The organization is switched off, or its calls to Justifacts are blocked for the moment.
    NOT_NOW = auto()


def acquire_lease(assessment_id: UUID, now: datetime) -> Lease[Order] | NoLease:
    """Lease the order's next call to Justifacts, if it is due at ``now``. A placement whose worker has died
    becomes a look-up first."""
    orders = Order.objects.order_by().select_related("organization__connection", "package")
    mine = orders.filter(pk=assessment_id, organization__connection__isnull=False)
    order = mine.filter(next_call__in=CALLS, next_attempt_at__lte=now).first()
    if order is None:
        return NoLease.NOTHING_TO_DO
    if order.leased_until is not None and order.leased_until <= now:
        recover_abandoned_placement(assessment_id, now)
    connection = order.organization.connection
    if not connection.is_enabled or is_blocked(connection, Endpoint.JUSTIFACTS, now):
        return NoLease.NOT_NOW
    deadline = send_deadline()
    token = leasable(now).acquire([assessment_id], now)
    if token is None:
        return NoLease.NOTHING_TO_DO
    # Read again: what the call is about may have changed before the lease.
    order = mine.get()
    return Lease(order, order, token, deadline)


def leasable(now: datetime) -> LeasedQuerySet[Order]:
    """Orders whose next call may be leased. An expired lease may be taken over, except for a placement: a
    fast clock may only make it look expired, so ``recover_abandoned_placement`` decides."""
    never_taken_over = Q(lease_token=None) | ~Q(next_call=PendingCall.PLACE)
    return Order.objects.filter(never_taken_over, next_call__in=CALLS, next_attempt_at__lte=now)


def recover_abandoned_placement(assessment_id: UUID, now: datetime) -> None:
    """A placement whose worker has died may have reached Justifacts: its outcome is *unknown*, so the order
    is looked up and never simply placed again."""
    with locked_order(assessment_id) as order:
        if order.next_call == PendingCall.PLACE and order.leased_until and order.leased_until <= now:
            schedule_look_up(order, now)
            # What it sent may still be on its way, so that "not found" is not certain at once.
            order.failing_since = now
            clear_attention(order, AttentionTopic.PLACING)
            record_event(
                order,
                OrderEvent.Source.PORTAL,
                OrderEvent.Kind.PLACEMENT_INTERRUPTED,
                "The portal was interrupted while it placed the order, and asks Justifacts "
                "whether it was taken.",
            )
