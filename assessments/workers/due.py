"""What is due: the sweep's question, which makes certain what nudges make prompt, and the worker's,
what else waits for an organization.

Fair between organizations: of each only the first few are found, and everybody's first before
anybody's second, so that one with thousands of updates waiting keeps no other one waiting.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from assessments.models import NextCall, Order, Update
from assessments.tracking.poll import BATCH
from integrations.connections.circuit_breaker import Side, awake

#: At the most this many of each kind a sweep; the next one, seconds later, takes the rest.
MOST = 200
MOST_POLLS = 2000
#: ... and of one organization.
MOST_OF_ONE = 10


@dataclass(frozen=True)
class Due:
    calls: list[UUID]
    polls: list[list[UUID]]
    lanes: list[UUID]


def due(now: datetime) -> Due:
    """Orders with a call to Justifacts to make, batches of orders to poll (one of each organization),
    and orders with Ashby to tell: of an organization whose deliveries are paused, one that tries whether they
    may go on."""
    return Due(
        calls=_first_of_each(_calls(now), "organization", "next_call_at", MOST_OF_ONE)[:MOST],
        polls=_batches(now),
        lanes=[
            *_first_of_each(_lanes(now), "order__organization", "due_at", MOST_OF_ONE, "order")[:MOST],
            *_first_of_each(_probes(now), "order__organization", "created_at", 1, "order")[:MOST],
        ],
    )


def calls_of(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders with a call to Justifacts to make, the oldest first."""
    return _ids(_calls(now).filter(organization=organization_id).order_by("next_call_at"))


def lanes_of(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders of which Ashby has to be told something, the oldest first."""
    return _ids(_lanes(now).filter(order__organization=organization_id).order_by("due_at"), "order")


def polls_of(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's next batch of orders to poll."""
    return _ids(_polls(now).filter(organization=organization_id).order_by("next_call_at"), most=BATCH)


def _orders(now: datetime) -> QuerySet[Order]:
    return (
        Order.objects.order_by()
        .unclaimed(now)
        .filter(
            awake(Side.JUSTIFACTS, now, "organization__connection__"),
            next_call_at__lte=now,
            organization__connection__is_enabled=True,
        )
    )


def _calls(now: datetime) -> QuerySet[Order]:
    return _orders(now).exclude(Q(next_call=NextCall.POLL) | Q(next_call=NextCall.NONE))


def _polls(now: datetime) -> QuerySet[Order]:
    return _orders(now).filter(next_call=NextCall.POLL)


def _lanes(now: datetime) -> QuerySet[Update]:
    return Update.objects.order_by().deliverable(now).unclaimed(now)


def _probes(now: datetime) -> QuerySet[Update]:
    return Update.objects.probing(now).unclaimed(now).order_by()


def _ids(rows: "QuerySet[Any]", name: str = "pk", most: int = MOST_OF_ONE) -> list[UUID]:
    return list(rows.values_list(name, flat=True)[:most])


def _first_of_each(
    rows: "QuerySet[Any]", organization: str, due: str, most: int, name: str = "pk"
) -> list[UUID]:
    # By the key where times are equal, so that everybody who asks finds the same ones first.
    in_order = [F(due).asc(), F("pk").asc()]
    place = Window(RowNumber(), partition_by=F(organization), order_by=in_order)
    first = rows.annotate(place=place).filter(place__lte=most).order_by("place", due)
    return list(first.values_list(name, flat=True))


def _batches(now: datetime) -> list[list[UUID]]:
    """Of each organization one batch: who polls it goes on with the rest."""
    place = Window(RowNumber(), partition_by=F("organization"), order_by=F("next_call_at").asc())
    first = _polls(now).annotate(place=place).filter(place__lte=BATCH).order_by("place", "next_call_at")
    batches: dict[int, list[UUID]] = {}
    for organization, order in first.values_list("organization", "pk")[:MOST_POLLS]:
        batches.setdefault(organization, []).append(order)
    return list(batches.values())
