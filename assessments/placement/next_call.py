"""The entry to placement: leasing an order's pending call to Justifacts, and making it."""

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.models.leases import LeasedQuerySet, send_deadline
from assessments.orders.call import Lease
from assessments.orders.transaction import clear_attention, locked_order, record_event, schedule_look_up
from integrations.compiled import CompiledQuery
from integrations.connections.circuit_breaker import is_blocked
from integrations.connections.endpoints import Endpoint
from integrations.metrics import lease_takeovers_total

from .cancel import cancel
from .look_up import look_up, settle_without_placing
from .place import place

_CALLS = {PendingCall.PLACE: place, PendingCall.LOOK_UP: look_up, PendingCall.CANCEL: cancel}


def make_next_call(assessment_id: UUID) -> bool:
    """Make the order's pending call to Justifacts, if it is due and may be made now. Returns whether the
    order may have changed, so that updates for Ashby may be due."""
    lease = _acquire_lease(assessment_id, timezone.now())
    if lease is None:
        return False
    if lease.order.next_call == PendingCall.PLACE and settle_without_placing(lease):
        return True
    return _CALLS[PendingCall(lease.order.next_call)](lease)


def _acquire_lease(assessment_id: UUID, now: datetime) -> Lease[Order] | None:
    """Lease the order's pending call, if it is due and the connection is neither disabled nor blocked. If the
    worker of a placement has died, the placement first becomes a look-up."""
    order = next(iter(_order_of(assessment_id)), None)
    if order is None or order.next_call not in _CALLS:
        return None
    if order.next_attempt_at is None or order.next_attempt_at > now:
        return None
    if order.leased_until is not None:
        _recover_abandoned_placement(assessment_id, now)
    connection = order.organization.connection
    if not connection.is_enabled or is_blocked(connection, Endpoint.JUSTIFACTS, now):
        return None
    deadline = send_deadline()
    token = leasable(now).acquire([assessment_id], now)
    if token is None:
        return None
    if order.leased_until is not None:
        lease_takeovers_total.labels("call").inc()
    # Read again: the order may have changed before it was leased. If a push has settled the call since then,
    # the lease is gone, and so is the call.
    order = next(iter(_order_of(assessment_id)), None)
    return Lease(order, order, token, deadline) if order and order.lease_token == token else None


_order_of = CompiledQuery(
    lambda assessment_id: (
        Order.objects.order_by()
        .filter(pk=assessment_id, organization__connection__isnull=False)
        .select_related("organization__connection", "package")
    ),
    models.UUIDField(),
)


def leasable(now: datetime) -> LeasedQuerySet[Order]:
    """Orders whose pending call may be leased. An expired lease may be taken over, except for a placement: a
    fast clock can make its lease look expired, so ``_recover_abandoned_placement`` decides."""
    never_taken_over = Q(lease_token=None) | ~Q(next_call=PendingCall.PLACE)
    return Order.objects.filter(never_taken_over, next_call__in=_CALLS, next_attempt_at__lte=now)


def _recover_abandoned_placement(assessment_id: UUID, now: datetime) -> None:
    """Turn a placement whose lease has expired into a look-up. The call may have reached Justifacts, so its
    outcome is *unknown* and it is never simply repeated."""
    abandoned = Order.objects.lease_expired(now).filter(pk=assessment_id, next_call=PendingCall.PLACE)
    if not abandoned.exists():
        return
    with locked_order(assessment_id) as order:
        if abandoned.exists():
            schedule_look_up(order, now)
            # The request may still be on its way, so "not found" is not certain at once.
            order.failing_since = now
            clear_attention(order, AttentionTopic.PLACING)
            text = "The portal was interrupted while it placed the order, so it looks it up at Justifacts."
            record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.PLACEMENT_INTERRUPTED, text)
