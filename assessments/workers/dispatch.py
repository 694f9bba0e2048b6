"""Doing due work, organization by organization.

A message names some orders. What has just come up, such as a new order, is done at once. Everything else
waits in line (``line.py``): one organization after the other gets a turn, in a limited number of threads, so
that a backlog of any size leaves threads to new work. Both acquire a bulkhead slot for (organization, kind of
work), so that one organization does not occupy all threads either.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.utils import timezone

from assessments.models import Order
from assessments.outbox.deliver import deliver_next
from assessments.placement.next_call import make_next_call
from assessments.tracking import poll
from assessments.workers.line import Line
from integrations.bulkhead import Bulkhead

#: How long a turn of an organization lasts before other organizations get theirs.
TURN_SECONDS = 2
#: How long one task serves the line before the tasks that have been received meanwhile.
SERVE_SECONDS = 4
#: Concurrent calls for one organization and endpoint in each worker process.
CALLS_IN_FLIGHT = 3

#: Set when the worker process shuts down: running work ends, and no new work begins.
stopping = threading.Event()


@dataclass(frozen=True)
class Dispatcher:
    """One kind of due work.

    ``slots``: limits how much is done concurrently for one organization, ``line`` for all of them. ``work``:
    does the work of some orders, calls its second argument with those that may have updates for Ashby, and
    returns whether any work was done. ``next_due``: an organization's orders with due work.
    ``deliver_at_once`` and ``deliver_in_line`` see to an order's updates.
    """

    kind: str
    slots: Bulkhead
    work: Callable[[list[UUID], Callable[[UUID], None]], bool]
    next_due: Callable[[int, datetime], list[UUID]]
    line: Line
    deliver_at_once: Callable[[UUID], None]
    deliver_in_line: Callable[[int, UUID], None]

    def run(self, ids: list[UUID]) -> bool:
        """Do the work of these orders at once, and then that of other orders in line. Returns whether
        the line still has to be served."""
        for organization in _organizations(ids):
            self.do_at_once(organization, ids)
            self.line.join(organization)
        return self.serve()

    def run_in_line(self, ids: list[UUID]) -> bool:
        """Let the organizations of these orders wait in line, and serve it. Returns the same as ``run``."""
        for organization in _organizations(ids):
            self.line.join(organization)
        return self.serve()

    def do_at_once(self, organization: int, ids: list[UUID]) -> None:
        """Do the work of these orders of one organization. If no slot is free, it is left to a slot
        holder."""
        key = (organization, self.kind)
        while ids and not stopping.is_set():
            with self.slots.slot(key, ids) as is_mine:
                if not is_mine:
                    return
                while ids and not stopping.is_set():
                    self.work(ids, self.deliver_at_once)
                    ids = self.slots.take_rejected(key)
            # Another task may have found no free slot after the last look.
            ids = self.slots.take_rejected(key)

    def serve(self) -> bool:
        """Give the organizations in line their turns. Returns whether some still wait for this thread."""
        until = time.monotonic() + SERVE_SECONDS
        while _may_continue(until):
            with self.line.turn() as organization:
                if organization is None:
                    return False
                if self._take_turn(organization):
                    self.line.join(organization)
        return True

    def _take_turn(self, organization: int) -> bool:
        """Returns whether more may be due when the turn is over."""
        key, until = (organization, self.kind), time.monotonic() + TURN_SECONDS
        with self.slots.slot(key) as is_mine:
            ids = self.next_due(organization, timezone.now()) if is_mine else []
            while ids and _may_continue(until):
                was_done = self.work(ids, partial(self.deliver_in_line, organization))
                if urgent := self.slots.take_rejected(key):
                    self.work(urgent, self.deliver_at_once)
                ids = self.next_due(organization, timezone.now()) if was_done else []
        if is_mine:
            self.do_at_once(organization, self.slots.take_rejected(key))
        return bool(ids)


def make_calls(ids: list[UUID], has_changed: Callable[[UUID], None]) -> bool:
    """Make the pending call to Justifacts of each order."""

    def make(assessment_id: UUID) -> bool:
        is_made = not stopping.is_set() and make_next_call(assessment_id)
        if is_made:
            has_changed(assessment_id)
        return is_made

    return _for_each(ids, make)


def deliver_updates(ids: list[UUID], has_changed: Callable[[UUID], None]) -> bool:
    """Deliver the waiting updates of each order to Ashby, in order, as long as Ashby accepts them."""

    def deliver(assessment_id: UUID) -> bool:
        until, was_delivered = time.monotonic() + TURN_SECONDS, False
        while _may_continue(until) and deliver_next(assessment_id):
            was_delivered = True
        return was_delivered

    return _for_each(ids, deliver)


def _for_each(ids: list[UUID], work: Callable[[UUID], bool]) -> bool:
    """Whether any work was done. An order that fails each time must not keep the others of its organization
    waiting: they are done before its error is raised."""
    done = list[bool]()
    with ExitStack() as stack:
        # Each callback runs, also after one that has raised.
        for assessment_id in reversed(ids):
            stack.callback(lambda pk: done.append(work(pk)), assessment_id)
    return any(done)


def poll_batch(ids: list[UUID], has_changed: Callable[[UUID], None]) -> bool:
    """Poll a batch of orders."""
    for assessment_id in poll.poll(ids):
        has_changed(assessment_id)
    return bool(ids)


def _organizations(ids: list[UUID]) -> list[int]:
    orders = Order.objects.order_by().filter(pk__in=ids)
    return list(orders.values_list("organization", flat=True).distinct())


def _may_continue(until: float) -> bool:
    return not stopping.is_set() and time.monotonic() < until
