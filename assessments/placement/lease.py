"""Taking the next call of an order, so that no other worker makes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.models.leases import send_deadline
from assessments.orders.transaction import clear_attention, locked_order, record_event, schedule_call
from integrations.connections.circuit_breaker import allow_request, not_blocked
from integrations.endpoints import Endpoint
from integrations.models import Connection


@dataclass(frozen=True)
class Lease:
    """A claimed order, as it was after the claim. Only who holds the token may record."""

    order: Order
    token: UUID
    #: On ``fence.uptime()``'s clock: who wakes later sends nothing.
    sends_until: float

    def now(self) -> datetime:
        return timezone.now()


def acquire_lease(assessment_id: UUID, calls: Iterable[PendingCall], now: datetime) -> Lease | None:
    """Claims the order if one of ``calls`` is due; None where there is nothing to do.

    A claim that has ended is taken over, but not that of a placing: its end may only seem so, to a clock
    that is ahead, and ``give_up_dead_placing`` alone decides what becomes of it.
    """
    never_taken_over = Q(lease_token=None) | ~Q(next_call=PendingCall.PLACE)
    due = Order.objects.filter(never_taken_over, next_call__in=list(calls), next_attempt_at__lte=now)
    until = send_deadline()
    token = due.claim(assessment_id, now)
    if token is None:
        return None
    order = Order.objects.select_related("organization__connection", "package").get(pk=assessment_id)
    return Lease(order, token, until)


def release_lease(claimed: Lease) -> None:
    """The call was not tried: the order is as it was before the claim."""
    Order.objects.filter(pk=claimed.order.pk, lease_token=claimed.token).update(
        lease_token=None, leased_until=None
    )


def justifacts_is_not_blocked(assessment_id: UUID, now: datetime) -> bool:
    """Whether the order's organization is switched on and its calls to Justifacts do not rest."""
    connections = Connection.objects.filter(organization__orders=assessment_id, is_enabled=True)
    return connections.filter(not_blocked(Endpoint.JUSTIFACTS, now)).exists()


def may_call(claimed: Lease) -> bool:
    """Whether the claimed call may go out. While Justifacts is broken one call at a time tries it, so
    that this is asked last, by whom is certain to make it; else the claim is given back."""
    if allow_request(claimed.order.organization.connection, Endpoint.JUSTIFACTS, claimed.now()):
        return True
    release_lease(claimed)
    return False


def recover_abandoned_placement(assessment_id: UUID, now: datetime) -> None:
    """A placing whose worker has died may have reached Justifacts: it is *unknown*, never "again"."""
    dead = Order.objects.filter(pk=assessment_id, next_call=PendingCall.PLACE, leased_until__lte=now)
    if not dead.exists():
        return
    with locked_order(assessment_id) as order:
        if order.next_call == PendingCall.PLACE and order.leased_until and order.leased_until <= now:
            schedule_call(order, PendingCall.LOOK_UP, now)
            # What it sent may still be on its way, so that "not found" is not certain at once.
            order.failing_since = now
            clear_attention(order, AttentionTopic.PLACING)
            record_event(
                order,
                OrderEvent.Source.PORTAL,
                "placing_interrupted",
                "The portal was interrupted while it placed the order, and asks Justifacts "
                "whether it was taken.",
            )
