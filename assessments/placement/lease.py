"""Leasing an order's pending call to Justifacts, so that no other worker makes it."""

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
    #: The connection is disabled, or its calls to Justifacts are blocked at the moment.
    NOT_NOW = auto()


def acquire_lease(assessment_id: UUID, now: datetime) -> Lease[Order] | NoLease:
    """Lease the order's pending call to Justifacts, if it is due at ``now``. If the worker of a placement has
    died, the placement first becomes a look-up."""
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
    # Read again: the order may have changed before it was leased. If a push has settled the call since then,
    # the lease is gone, and so is the call.
    order = mine.filter(lease_token=token).first()
    return Lease(order, order, token, deadline) if order else NoLease.NOTHING_TO_DO


def leasable(now: datetime) -> LeasedQuerySet[Order]:
    """Orders whose pending call may be leased. An expired lease may be taken over, except for a placement: a
    fast clock can make its lease look expired, so ``recover_abandoned_placement`` decides."""
    never_taken_over = Q(lease_token=None) | ~Q(next_call=PendingCall.PLACE)
    return Order.objects.filter(never_taken_over, next_call__in=CALLS, next_attempt_at__lte=now)


def recover_abandoned_placement(assessment_id: UUID, now: datetime) -> None:
    """Turn a placement whose lease has expired into a look-up. The call may have reached Justifacts, so its
    outcome is *unknown* and it is never simply repeated."""
    with locked_order(assessment_id) as order:
        if order.next_call == PendingCall.PLACE and order.leased_until and order.leased_until <= now:
            schedule_look_up(order, now)
            # The request may still be on its way, so "not found" is not certain at once.
            order.failing_since = now
            clear_attention(order, AttentionTopic.PLACING)
            record_event(
                order,
                OrderEvent.Source.PORTAL,
                OrderEvent.Kind.PLACEMENT_INTERRUPTED,
                "The portal was interrupted while it placed the order, so it looks it up at Justifacts.",
            )
