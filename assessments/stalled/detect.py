"""The watchdog: finds the orders that stand still, says why, and tells Ashby where that is wanted."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from uuid import UUID

from django.db.models import F, Q

from assessments.models import Event, Order
from assessments.orders.transaction import changing, moves_again, record
from assessments.outbox.compose import tell_waiting
from assessments.stalled.thresholds import STAGES, STANDING_STILL, Limits, other_limit_now, sentence

#: How long one run writes; the next one, a minute later, takes the rest.
SECONDS = 25
#: At most so many of each kind a run.
BATCH = 1000


def watch(now: datetime) -> list[UUID]:
    """Looks at every order on the way. Answers with those of which Ashby has to be told."""
    limits, until = Limits.now(), time.monotonic() + SECONDS
    to_tell = []
    for assessment_id in _to_look_at(limits, now):
        if time.monotonic() > until:
            break
        if _look_at(assessment_id, limits, now):
            to_tell.append(assessment_id)
    return to_tell


def _to_look_at(limits: Limits, now: datetime) -> Iterator[UUID]:
    """Orders about which something has to be written; in the usual minute there is none."""
    moving = Order.objects.filter(still_since=None)
    flagged = Order.objects.filter(STANDING_STILL)
    untold = Q(organization__watch_limits__tell_ashby=True) & ~Q(still_told=F("status"))
    found = (
        *(moving.filter(limits.have_passed(status, now)) for status in STAGES),
        flagged.filter(other_limit_now()),
        flagged.filter(untold),
    )
    return chain.from_iterable(
        list(orders.order_by("status_since").values_list("pk", flat=True)[:BATCH]) for orders in found
    )


def _look_at(assessment_id: UUID, limits: Limits, now: datetime) -> bool:
    """Writes down whether the order stands still. However often, and by however many workers at once:
    its history says so once in each status, and so does Ashby."""
    try:
        with changing(assessment_id) as order:
            if not limits.has_passed(order, now):
                moves_again(order)
                return False
            _stands_still(order, limits.limit(order), now)
            return _tell_once(order, limits, now)
    except Order.DoesNotExist:
        return False


def _stands_still(order: Order, limit: int, now: datetime) -> None:
    order.still_since = order.still_since or now
    order.still_limit, order.still_reason = limit, sentence(order, limit)
    known = order.events.filter(kind="standing_still", at__gt=order.status_since)
    if not known.exists():
        record(order, Event.Source.PORTAL, "standing_still", order.still_reason)


def _tell_once(order: Order, limits: Limits, now: datetime) -> bool:
    if order.still_told == order.status or not limits.of(order.organization_id).tell_ashby:
        return False
    order.still_told = order.status
    tell_waiting(order, order.still_reason, now)
    return True
