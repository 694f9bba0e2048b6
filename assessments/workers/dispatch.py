"""Working through what is due, organization by organization.

A task names some work. Its worker takes a bulkhead slot for (organization, kind of work), does the named work
and then whatever else is due there. If no slot is free the task ends at once: a slot holder or the next sweep
picks the work up.
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

#: How long one task goes on with an organization before it makes room for others.
TURN_SECONDS = 5
#: Calls in flight for one organization and endpoint, in each worker process.
CALLS_IN_FLIGHT = 3

#: Set when the worker process shuts down: running work ends, and no new work is begun.
stopping = threading.Event()


@dataclass(frozen=True)
class Dispatcher:
    """One kind of due work.

    ``slots``: how much of it is done at a time. ``work``: does it for some orders and says whether anything
    was done. ``next_due``: the orders of an organization with more of it. ``enqueue``: publishes a task for
    orders that are left when an organization's turn is over.
    """

    kind: str
    slots: Bulkhead
    work: Callable[[list[UUID]], bool]
    next_due: Callable[[int, datetime], list[UUID]]
    enqueue: Callable[[list[UUID]], None]

    def run(self, ids: list[UUID]) -> None:
        """Do the work that ``ids`` name, and what else their organizations have."""
        orders = Order.objects.order_by().filter(pk__in=ids)
        for organization in orders.values_list("organization", flat=True).distinct():
            if rest := self.run_organization(organization, ids):
                self.enqueue(rest)

    def run_organization(self, organization: int, ids: list[UUID]) -> list[UUID]:
        """The same for one organization; returns what is left when its turn is over."""
        key, until = (organization, self.kind), time.monotonic() + TURN_SECONDS
        while ids and _may_go_on(until):
            with self.slots.slot(key) as is_mine:
                if not is_mine:
                    return []
                while ids and _may_go_on(until):
                    ids = self.next_due(organization, timezone.now()) if self.work(ids) else []
            if not ids and self.slots.had_rejections(key):
                # A caller came after the last look at what is due, and left its work to the slot holder.
                ids = self.next_due(organization, timezone.now())
        return ids


def make_calls(ids: list[UUID], enqueue_delivery: Callable[[UUID], None]) -> bool:
    """Make the next call to Justifacts of each order; what follows for Ashby is enqueued at once."""
    was_made = False
    for assessment_id in ids:
        if not stopping.is_set() and make_next_call(assessment_id):
            was_made = True
            enqueue_delivery(assessment_id)
    return was_made


def deliver_updates(ids: list[UUID]) -> bool:
    """Deliver the waiting updates of each order to Ashby, in order, as long as Ashby accepts them."""
    # A list: every order gets its turn, whatever became of the ones before.
    return any([_deliver_order(assessment_id) for assessment_id in ids])


def poll_batch(ids: list[UUID], enqueue_delivery: Callable[[UUID], None]) -> bool:
    """Poll a batch of orders; what follows for Ashby is enqueued."""
    for assessment_id in poll.poll(ids):
        enqueue_delivery(assessment_id)
    return bool(ids)


def _deliver_order(assessment_id: UUID) -> bool:
    until, was_delivered = time.monotonic() + TURN_SECONDS, False
    while _may_go_on(until) and deliver_next(assessment_id):
        was_delivered = True
    return was_delivered


def _may_go_on(until: float) -> bool:
    return not stopping.is_set() and time.monotonic() < until
