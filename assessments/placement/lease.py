"""Taking the next call of an order, so that no other worker makes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from assessments.models import Concern, Event, NextCall, Order
from assessments.models.leases import sends_until
from assessments.orders.transaction import changing, record, schedule, settle
from integrations.connections.circuit_breaker import Side, awake, let_through
from integrations.models import Connection


@dataclass(frozen=True)
class Claim:
    """A claimed order, as it was after the claim. Only who holds the token may record."""

    order: Order
    token: UUID
    #: On ``fence.uptime()``'s clock: who wakes later sends nothing.
    sends_until: float

    def now(self) -> datetime:
        return timezone.now()


def claim(assessment_id: UUID, calls: Iterable[NextCall], now: datetime) -> Claim | None:
    """Claims the order if one of ``calls`` is due; None where there is nothing to do.

    A claim that has ended is taken over, but not that of a placing: its end may only seem so, to a clock
    that is ahead, and ``give_up_dead_placing`` alone decides what becomes of it.
    """
    never_taken_over = Q(claim_token=None) | ~Q(next_call=NextCall.PLACE)
    due = Order.objects.filter(never_taken_over, next_call__in=list(calls), next_call_at__lte=now)
    until = sends_until()
    token = due.claim(assessment_id, now)
    if token is None:
        return None
    order = Order.objects.select_related("organization__connection", "package").get(pk=assessment_id)
    return Claim(order, token, until)


def give_back(claimed: Claim) -> None:
    """The call was not tried: the order is as it was before the claim."""
    Order.objects.filter(pk=claimed.order.pk, claim_token=claimed.token).update(
        claim_token=None, claimed_until=None
    )


def justifacts_is_awake(assessment_id: UUID, now: datetime) -> bool:
    """Whether the order's organization is switched on and its calls to Justifacts do not rest."""
    connections = Connection.objects.filter(organization__orders=assessment_id, is_enabled=True)
    return connections.filter(awake(Side.JUSTIFACTS, now)).exists()


def is_let_through(claimed: Claim) -> bool:
    """Whether the claimed call may go out. While Justifacts is broken one call at a time tries it, so
    that this is asked last, by whom is certain to make it; else the claim is given back."""
    if let_through(claimed.order.organization.connection, Side.JUSTIFACTS, claimed.now()):
        return True
    give_back(claimed)
    return False


def give_up_dead_placing(assessment_id: UUID, now: datetime) -> None:
    """A placing whose worker has died may have reached Justifacts: it is *unknown*, never "again"."""
    dead = Order.objects.filter(pk=assessment_id, next_call=NextCall.PLACE, claimed_until__lte=now)
    if not dead.exists():
        return
    with changing(assessment_id) as order:
        if order.next_call == NextCall.PLACE and order.claimed_until and order.claimed_until <= now:
            schedule(order, NextCall.LOOK_UP, now)
            # What it sent may still be on its way, so that "not found" is not certain at once.
            order.call_failing_since = now
            settle(order, Concern.PLACING)
            record(
                order,
                Event.Source.PORTAL,
                "placing_interrupted",
                "The portal was interrupted while it placed the order, and asks Justifacts "
                "whether it was taken.",
            )
