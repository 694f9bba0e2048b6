"""Which work is due: for the sweep, so that no work depends on a message in the broker, and for a worker that
gives an organization its turn.

A sweep asks for the first due row of each organization, by an index that begins with the organization. So it
reads about as many rows as it enqueues, however many are due, and none of an organization whose endpoint is
blocked, whose deliveries are paused or whose connection is disabled. An organization with thousands of
waiting updates does not delay the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest
from typing import Any, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from assessments.models import AshbyUpdate, Order, ProcessHeartbeat
from assessments.tracking.poll import BATCH
from integrations.compiled import CompiledQuery
from integrations.connections.circuit_breaker import not_blocked
from integrations.connections.endpoints import Endpoint
from integrations.connections.pauses import may_probe
from integrations.models import Connection

#: At most this many organizations for each kind of work and worker process in one sweep. The next sweep,
#: seconds later, continues with the organizations after them.
MOST = 50
#: At most this many orders of one organization at a time.
MOST_OF_ONE = 10
#: If only so few organizations have due work, a sweep enqueues several orders of each.
FEW = 5


Row = TypeVar("Row", Order, AshbyUpdate)


@dataclass(frozen=True)
class Due:
    """Ids of orders: ``calls`` have a pending call to Justifacts, ``polls`` are batches of one organization
    each, and ``deliveries`` have an update for Ashby."""

    calls: list[UUID]
    polls: list[list[UUID]]
    deliveries: list[UUID]


def due_work(now: datetime) -> Due:
    """The work that a sweep enqueues: the first order of each organization, for workers continue with the
    rest by themselves. An organization whose deliveries are paused has at most one delivery, the probe."""
    AshbyUpdate.objects.set_organizations()
    workers = ProcessHeartbeat.objects.filter(
        kind=ProcessHeartbeat.Kind.WORKER, at__gte=now - ProcessHeartbeat.LATE
    )
    most = MOST * max(1, workers.count())
    calls = _first_of_each("calls", _calls(now), _callable(now), most)
    polls = _first_of_each("polls", _polls(now), _callable(now), most)
    deliveries = _first_of_each("deliveries", _updates(now), _deliverable(now), most, "order")
    paused = _enabled().filter(not_blocked(Endpoint.ASHBY, now), may_probe(now))
    probes = dict[int, UUID]()
    if ids := list(paused.values_list("organization", flat=True)):
        probing = Connection.objects.filter(organization__in=ids)
        probes = _first_of_each("probes", _updates(now), probing, most, "order")
    if len(polls) <= FEW:
        batches = [due_polls(organization, now) for organization in polls]
    else:
        batches = [[order] for order in polls.values()]
    return Due(
        calls=_in_turns(calls, due_calls, now),
        # A worker may have leased a batch meanwhile.
        polls=[batch for batch in batches if batch],
        deliveries=[*_in_turns(deliveries, due_deliveries, now), *probes.values()],
    )


def due_calls(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders with a pending call to Justifacts, oldest first."""
    return [order.pk for order in _due_calls(organization_id, now)]


def due_deliveries(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's orders with an update for Ashby, oldest first. While its deliveries are paused,
    there are some only when the probe may be sent; ``deliver_next`` sends that one alone."""
    return [update.order_id for update in _due_updates(organization_id, now)]


def due_polls(organization_id: int, now: datetime) -> list[UUID]:
    """The organization's next batch of orders to poll."""
    return [order.pk for order in _due_polls(organization_id, now)]


def _calls(now: datetime) -> QuerySet[Order]:
    return Order.objects.order_by("next_attempt_at").calls_due(now)


def _polls(now: datetime) -> QuerySet[Order]:
    return Order.objects.order_by("next_attempt_at").polls_due(now)


def _updates(now: datetime) -> QuerySet[AshbyUpdate]:
    return AshbyUpdate.objects.order_by("next_attempt_at").due(now)


def _enabled() -> QuerySet[Connection]:
    return Connection.objects.filter(is_enabled=True)


def _callable(now: datetime) -> QuerySet[Connection]:
    return _enabled().filter(not_blocked(Endpoint.JUSTIFACTS, now))


def _deliverable(now: datetime) -> QuerySet[Connection]:
    return _enabled().filter(not_blocked(Endpoint.ASHBY, now), paused_at=None)


def _deliverable_or_probing(now: datetime) -> QuerySet[Connection]:
    return _enabled().filter(Q(paused_at=None) | may_probe(now), not_blocked(Endpoint.ASHBY, now))


def _of_one(rows: "QuerySet[Row]", allowed: QuerySet[Connection], organization: Any) -> "QuerySet[Row]":
    may_work = Exists(allowed.filter(organization=organization))
    return rows.filter(may_work, organization=organization)


# Each task asks one of these. They are planned each time, for their values: a plan for any values could not
# use the partial indexes.
_given = models.BigIntegerField(), models.DateTimeField()
_due_calls = CompiledQuery(
    lambda organization, now: _of_one(_calls(now), _callable(now), organization).only("pk")[:MOST_OF_ONE],
    *_given,
    is_prepared=False,
)
_due_polls = CompiledQuery(
    lambda organization, now: _of_one(_polls(now), _callable(now), organization).only("pk")[:BATCH],
    *_given,
    is_prepared=False,
)
_due_updates = CompiledQuery(
    lambda organization, now: _of_one(_updates(now), _deliverable_or_probing(now), organization).only(
        "order_id"
    )[:MOST_OF_ONE],
    *_given,
    is_prepared=False,
)


#: After which organization the next sweep begins, by kind of work; without one, at the first.
_last_organization: dict[str, int] = {}


def _first_of_each(
    kind: str, rows: "QuerySet[Any]", allowed: QuerySet[Connection], most: int, order: str = "pk"
) -> dict[int, UUID]:
    """The first order of each of the next ``most`` allowed organizations that have any."""
    own = rows.filter(organization=OuterRef("organization")).values(order)[:1]
    found = allowed.annotate(first=Subquery(own)).filter(
        first__isnull=False, organization__gt=_last_organization.get(kind, 0)
    )
    firsts = dict(found.order_by("organization").values_list("organization", "first")[:most])
    _last_organization[kind] = max(firsts) if len(firsts) == most else 0
    return firsts


def _in_turns(
    firsts: dict[int, UUID], next_due: Callable[[int, datetime], list[UUID]], now: datetime
) -> list[UUID]:
    """The first order of every organization. Few organizations have several orders each: then the first of
    every one is followed by the second of every one, and so on."""
    if len(firsts) > FEW:
        return list(firsts.values())
    each = (next_due(organization, now) for organization in firsts)
    return [order for order in chain.from_iterable(zip_longest(*each)) if order is not None]
