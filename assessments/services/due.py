"""What is due: the sweep's question, which makes certain what nudges make prompt."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from assessments.models import NextCall, Order, Update

#: At the most this many of each kind a sweep; the next one, seconds later, takes the rest.
MOST = 200
MOST_POLLS = 2000


@dataclass(frozen=True)
class Due:
    calls: list[UUID]
    polls: list[UUID]
    lanes: list[UUID]


def due(now: datetime) -> Due:
    """Orders with a call to Justifacts to make, orders to poll, and orders with Ashby to tell."""
    orders = (
        Order.objects.unclaimed(now)
        .filter(next_call_at__lte=now, organization__connection__is_enabled=True)
        .order_by("next_call_at")
        .values_list("pk", flat=True)
    )
    is_poll = Q(next_call=NextCall.POLL)
    lanes = (
        Update.objects.deliverable(now).unclaimed(now).order_by("due_at").values_list("order_id", flat=True)
    )
    return Due(
        calls=list(orders.exclude(is_poll | Q(next_call=NextCall.NONE))[:MOST]),
        polls=list(orders.filter(is_poll)[:MOST_POLLS]),
        lanes=list(lanes[:MOST]),
    )
