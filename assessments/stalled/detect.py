"""Finds stalled orders, records the reason, and sends Ashby a note if the organization wants one."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from uuid import UUID

from django.db.models import F, Q

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import clear_stall, locked_order, record_event
from assessments.outbox.compose import enqueue_stall_note
from assessments.stalled.thresholds import IS_STALLED, STAGES, Thresholds, stall_reason, threshold_changed

#: One run stops after this many seconds; the next one, a minute later, continues.
SECONDS = 25
#: The most orders of each query in one run.
BATCH = 1000


def detect_stalled(now: datetime) -> list[UUID]:
    """Flags stalled orders and clears flags that are out of date. Returns the orders with a new note for
    Ashby.

    Several runs may overlap: each order is checked again under its row lock.
    """
    thresholds, deadline = Thresholds.load(), time.monotonic() + SECONDS
    with_note = []
    for assessment_id in _orders_to_check(thresholds, now):
        if time.monotonic() > deadline:
            break
        if _check_order(assessment_id, thresholds, now):
            with_note.append(assessment_id)
    return with_note


def _orders_to_check(thresholds: Thresholds, now: datetime) -> Iterator[UUID]:
    """The orders whose row may have to change; usually none."""
    not_flagged = Order.objects.filter(stalled_since=None)
    flagged = Order.objects.filter(IS_STALLED)
    note_is_missing = Q(organization__watch_limits__notify_ashby=True) & ~Q(stall_notified_status=F("status"))
    queries = (
        *(not_flagged.filter(thresholds.exceeded(status, now)) for status in STAGES),
        flagged.filter(threshold_changed()),
        flagged.filter(note_is_missing),
    )
    return chain.from_iterable(
        list(orders.order_by("status_since").values_list("pk", flat=True)[:BATCH]) for orders in queries
    )


def _check_order(assessment_id: UUID, thresholds: Thresholds, now: datetime) -> bool:
    """Flags the order or clears its flag, and returns whether there is a new note for Ashby. An order gets
    one event and one note in each status."""
    try:
        with locked_order(assessment_id) as order:
            if not thresholds.is_exceeded_by(order, now):
                clear_stall(order)
                return False
            _mark_stalled(order, thresholds.threshold(order), now)
            return _enqueue_note(order, thresholds, now)
    except Order.DoesNotExist:
        return False


def _mark_stalled(order: Order, threshold: int, now: datetime) -> None:
    order.stalled_since = order.stalled_since or now
    order.stall_threshold, order.stall_reason = threshold, stall_reason(order, threshold)
    recorded = order.events.filter(kind=OrderEvent.Kind.STALLED, at__gt=order.status_since)
    if not recorded.exists():
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.STALLED, order.stall_reason)


def _enqueue_note(order: Order, thresholds: Thresholds, now: datetime) -> bool:
    if order.stall_notified_status == order.status or not thresholds.of(order.organization_id).notify_ashby:
        return False
    order.stall_notified_status = order.status
    enqueue_stall_note(order, order.stall_reason, now)
    return True
