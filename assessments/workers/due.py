"""Which work is due: for the sweep, so that no work depends on a message in the broker, and for a worker that
continues with an organization.

The queries are fair: they find only the first few rows of each organization, and the first row of every
organization before the second row of any. An organization with thousands of waiting updates does not delay
the others.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.tracking.poll import BATCH
from integrations.connections.circuit_breaker import not_blocked
from integrations.connections.endpoints import Endpoint
from integrations.models import Connection

#: At most this many of each kind in one sweep; the next sweep, seconds later, finds the rest.
MOST = 200
MOST_POLLS = 2000
#: At most this many of each kind for one organization.
MOST_OF_ONE = 10


@dataclass(frozen=True)
class Due:
    """Ids of orders: ``calls`` have a pending call to Justifacts, ``polls`` are batches of one organization
    each, and ``deliveries`` have an update for Ashby."""

    calls: list[UUID]
    polls: list[list[UUID]]
    deliveries: list[UUID]


def due_work(now: datetime) -> Due:
    """The work that a sweep enqueues. An organization whose deliveries are paused has at most one delivery,
    the probe."""
    calls = _shares(_calls(now), "organization", "next_attempt_at", MOST_OF_ONE, MOST)
    # One batch of each organization; the worker that polls it continues with the rest.
    batches: dict[int, list[UUID]] = {}
    for organization, order in _shares(_polls(now), "organization", "next_attempt_at", BATCH, MOST_POLLS):
        batches.setdefault(organization, []).append(order)
    updates = AshbyUpdate.objects.order_by().not_leased(now)
    deliveries = _shares(
        updates.deliverable(now), "order__organization", "next_attempt_at", MOST_OF_ONE, MOST, "order"
    )
    if Connection.objects.filter(paused_at__isnull=False).exists():
        probes = updates.probing(now).order_by()
        deliveries += _shares(probes, "order__organization", "created_at", 1, MOST, "order")
    return Due(
        calls=[order for _organization, order in calls],
        polls=list(batches.values()),
        deliveries=[order for _organization, order in deliveries],
    )


def due_calls(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders with a pending call to Justifacts, oldest first."""
    return _ids(_calls(now).filter(organization=organization_id).order_by("next_attempt_at"))


def due_deliveries(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders with an update for Ashby, oldest first."""
    updates = AshbyUpdate.objects.deliverable(now).not_leased(now)
    return _ids(updates.filter(order__organization=organization_id).order_by("next_attempt_at"), "order")


def due_polls(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's next batch of orders to poll."""
    return _ids(_polls(now).filter(organization=organization_id).order_by("next_attempt_at"), most=BATCH)


def _orders(now: datetime) -> QuerySet[Order]:
    free = Order.objects.order_by().not_leased(now)
    allowed = not_blocked(Endpoint.JUSTIFACTS, now, "organization__connection__")
    return free.filter(allowed, next_attempt_at__lte=now, organization__connection__is_enabled=True)


def _calls(now: datetime) -> QuerySet[Order]:
    return _orders(now).exclude(Q(next_call=PendingCall.POLL) | Q(next_call=PendingCall.NONE))


def _polls(now: datetime) -> QuerySet[Order]:
    return _orders(now).filter(next_call=PendingCall.POLL)


def _ids(rows: "QuerySet[Any]", name: str = "pk", most: int = MOST_OF_ONE) -> list[UUID]:
    return list(rows.values_list(name, flat=True)[:most])


def _shares(
    rows: "QuerySet[Any]", organization: str, due: str, share: int, most: int, order: str = "pk"
) -> list[tuple[int, UUID]]:
    """The first ``share`` rows of each organization, at most ``most``, as (organization, order): the first of
    every organization, then the second of every organization, and so on."""
    found = list(rows.order_by(due, "pk").values_list(organization, order)[: most + 1])
    if len(found) > most:
        # The rows that are due longest may all be of one organization. Ties are broken by key, so that every
        # worker finds the same rows first.
        in_order = [F(due).asc(), F("pk").asc()]
        place = Window(RowNumber(), partition_by=F(organization), order_by=in_order)
        first = rows.annotate(place=place).filter(place__lte=share).order_by("place", due)
        return list(first.values_list(organization, order)[:most])
    places = Counter[int]()
    placed = list[tuple[int, tuple[int, UUID]]]()
    for row in found:
        placed.append((places[row[0]], row))
        places[row[0]] += 1
    return [row for place, row in sorted(placed, key=itemgetter(0)) if place < share]
