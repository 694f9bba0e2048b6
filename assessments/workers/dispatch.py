"""Doing due work, organization by organization.

A task names some orders. It acquires a bulkhead slot for (organization, kind of work), does the work of these
orders, and then the other due work of the organization. If no slot is free, the task ends at once: a slot
holder or the next sweep does the work.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from assessments.models import Order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from assessments.tracking import poll
from integrations.bulkhead import Bulkhead

#: How long one task works for an organization before other organizations get their turn.
TURN_SECONDS = 5
#: Concurrent calls for one organization and endpoint in each worker process.
CALLS_IN_FLIGHT = 3

#: Set when the worker process shuts down: running work ends, and no new work begins.
stopping = threading.Event()


@dataclass(frozen=True)
class Dispatcher:
    """One kind of due work.

    ``slots``: limits how much is done concurrently. ``work``: does the work of some orders, and returns
    whether any was done. ``next_due``: an organization's orders with due work. ``enqueue``: publishes a task
    for the orders that are left when an organization's turn is over.
    """

    kind: str
    slots: Bulkhead
    work: Callable[[list[UUID]], bool]
    next_due: Callable[[int, datetime], list[UUID]]
    enqueue: Callable[[list[UUID]], None]

    def run(self, ids: list[UUID]) -> None:
        """Do the work of these orders, and the other due work of their organizations."""
        orders = Order.objects.order_by().filter(pk__in=ids)
        for organization in orders.values_list("organization", flat=True).distinct():
            if rest := self.run_organization(organization, ids):
                self.enqueue(rest)

    def run_organization(self, organization: int, ids: list[UUID]) -> list[UUID]:
        """The same for one organization. Returns the orders that are left when its turn is over."""
        key, until = (organization, self.kind), time.monotonic() + TURN_SECONDS
        while ids and _may_continue(until):
            with self.slots.slot(key) as is_mine:
                if not is_mine:
                    return []
                while ids and _may_continue(until):
                    ids = self.next_due(organization, timezone.now()) if self.work(ids) else []
            if not ids and self.slots.had_rejections(key):
                # Another task found no free slot after the last query, and left its work to this one.
                ids = self.next_due(organization, timezone.now())
        return ids


def make_calls(ids: list[UUID], enqueue_delivery: Callable[[UUID], None]) -> bool:
    """Make the pending call to Justifacts of each order, and enqueue a delivery where the order has
    changed."""
    was_made = False
    for assessment_id in ids:
        if not stopping.is_set() and make_next_call(assessment_id):
            was_made = True
            enqueue_delivery(assessment_id)
    return was_made


def deliver_updates(ids: list[UUID]) -> bool:
    """Deliver the waiting updates of each order to Ashby, in order, as long as Ashby accepts them."""
    was_delivered = False
    for assessment_id in ids:
        until = time.monotonic() + TURN_SECONDS
        while _may_continue(until) and deliver_next(assessment_id):
            was_delivered = True
    return was_delivered


def poll_batch(ids: list[UUID], enqueue_delivery: Callable[[UUID], None]) -> bool:
    """Poll a batch of orders, and enqueue a delivery for each that changed."""
    for assessment_id in poll.poll(ids):
        enqueue_delivery(assessment_id)
    return bool(ids)


def _may_continue(until: float) -> bool:
    return not stopping.is_set() and time.monotonic() < until
