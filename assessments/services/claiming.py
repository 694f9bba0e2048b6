"""Taking the next call of an order, so that no other worker makes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from assessments.models import Concern, Event, NextCall, Order

from .attention import settle
from .changing import changing, record
from .scheduling import schedule


@dataclass(frozen=True)
class Claim:
    """A claimed order, as it was after the claim. Only who holds the token may record."""

    order: Order
    token: UUID

    def now(self) -> datetime:
        return timezone.now()


def claim(assessment_id: UUID, calls: Iterable[NextCall], now: datetime) -> Claim | None:
    """Claims the order if one of ``calls`` is due; None where there is nothing to do."""
    due = Order.objects.filter(next_call__in=list(calls), next_call_at__lte=now)
    token = due.claim(assessment_id, now)
    if token is None:
        return None
    order = Order.objects.select_related("organization__connection", "package").get(pk=assessment_id)
    return Claim(order, token)


def give_up_dead_placing(assessment_id: UUID, now: datetime) -> None:
    """A placing whose worker has died may have reached Justifacts: it is *unknown*, never "again"."""
    dead = Order.objects.filter(pk=assessment_id, next_call=NextCall.PLACE, claimed_until__lte=now)
    if not dead.exists():
        return
    with changing(assessment_id) as order:
        if order.next_call == NextCall.PLACE and order.claimed_until and order.claimed_until <= now:
            schedule(order, NextCall.LOOK_UP, now)
            settle(order, Concern.PLACING)
            record(
                order,
                Event.Source.PORTAL,
                "placing_interrupted",
                "The portal was interrupted while it placed the order, and asks Justifacts "
                "whether it was taken.",
            )
