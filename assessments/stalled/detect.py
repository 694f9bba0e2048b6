"""The watchdog: finds the orders that stand still, says why, and tells Ashby where that is wanted."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from uuid import UUID

from django.db.models import F, Q

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import clear_stall, locked_order, record_event
from assessments.outbox.compose import enqueue_stall_note
from assessments.stalled.thresholds import IS_STALLED, STAGES, Thresholds, sentence, threshold_changed

#: How long one run writes; the next one, a minute later, takes the rest.
SECONDS = 25
#: At most so many of each kind a run.
BATCH = 1000


def detect_stalled(now: datetime) -> list[UUID]:
    """Looks at every order on the way. Answers with those of which Ashby has to be told."""
    limits, until = Thresholds.now(), time.monotonic() + SECONDS
    to_tell = []
    for assessment_id in _to_look_at(limits, now):
        if time.monotonic() > until:
            break
        if _check_order(assessment_id, limits, now):
            to_tell.append(assessment_id)
    return to_tell


def _to_look_at(limits: Thresholds, now: datetime) -> Iterator[UUID]:
    """Orders about which something has to be written; in the usual minute there is none."""
    moving = Order.objects.filter(stalled_since=None)
    flagged = Order.objects.filter(IS_STALLED)
    untold = Q(organization__watch_limits__tell_ashby=True) & ~Q(stall_notified_status=F("status"))
    found = (
        *(moving.filter(limits.have_passed(status, now)) for status in STAGES),
        flagged.filter(threshold_changed()),
        flagged.filter(untold),
    )
    return chain.from_iterable(
        list(orders.order_by("status_since").values_list("pk", flat=True)[:BATCH]) for orders in found
    )


def _check_order(assessment_id: UUID, limits: Thresholds, now: datetime) -> bool:
    """Writes down whether the order stands still. However often, and by however many workers at once:
    its history says so once in each status, and so does Ashby."""
    try:
        with locked_order(assessment_id) as order:
            if not limits.has_passed(order, now):
                clear_stall(order)
                return False
            _mark_stalled(order, limits.limit(order), now)
            return _send_stall_note(order, limits, now)
    except Order.DoesNotExist:
        return False


def _mark_stalled(order: Order, limit: int, now: datetime) -> None:
    order.stalled_since = order.stalled_since or now
    order.stall_threshold, order.stall_reason = limit, sentence(order, limit)
    known = order.events.filter(kind=OrderEvent.Kind.STALLED, at__gt=order.status_since)
    if not known.exists():
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.STALLED, order.stall_reason)


def _send_stall_note(order: Order, limits: Thresholds, now: datetime) -> bool:
    if order.stall_notified_status == order.status or not limits.of(order.organization_id).tell_ashby:
        return False
    order.stall_notified_status = order.status
    enqueue_stall_note(order, order.stall_reason, now)
    return True
