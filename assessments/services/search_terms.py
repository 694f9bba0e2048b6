"""Keeps what candidates are found by in step with what is known of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet, Subquery

from assessments.models import CandidateSearchTerm, Order
from integrations.fields import SecretUnreadable
from integrations.search_terms import looked_for, normal, terms

BATCH = 100


def remember(order: Order) -> None:
    """The order can be found from now on. In the transaction that writes it."""
    _put({order.pk: _terms_of(order)}, CandidateSearchTerm)


def forget(orders: Iterable[Order] | QuerySet[Order]) -> int:
    """No candidate of these is found any more; how many terms went. For whoever erases their names and
    addresses, in the same transaction."""
    return CandidateSearchTerm.objects.filter(order__in=orders).delete()[0]


def fits(word: str, among: QuerySet[Order]) -> Q:
    """Which of the orders have a candidate whose name or address a typed word fits. No other is looked at,
    so that the time that it takes tells nothing of another organization's."""
    found = CandidateSearchTerm.objects.filter(term__in=looked_for(word))
    fitting = Q(pk__in=Subquery(found.values("order_id")))
    return Q(pk__in=_with_address(among.filter(fitting), normal(word))) if "@" in word else fitting


def _with_address(fitting: QuerySet[Order], beginning: str) -> list[UUID]:
    """Of the few with the same part before the ``@`` those whose address begins so."""
    found = []
    for order in fitting.order_by().select_related(None).only("candidate_email"):
        with suppress(SecretUnreadable):
            if normal(order.candidate_email).startswith(beginning):
                found.append(order.pk)
    return found


def renew(orders: Any = Order, kept: Any = CandidateSearchTerm) -> int:
    """Makes anew, under the first key, what is missing or under another; of how many orders. May be
    stopped and run again at any moment."""
    return sum(_renewed(batch, orders, kept) for batch in _batches(orders))


def left() -> int:
    """How many orders the first key alone does not find."""
    return sum(
        len(_out_of_step(list(Order.objects.filter(pk__in=batch).only(*_NAMES)), CandidateSearchTerm))
        for batch in _batches(Order)
    )


_NAMES = ("candidate_first_name", "candidate_last_name", "candidate_email")


def _terms_of(order: Order) -> set[int]:
    return set(terms((order.candidate_first_name, order.candidate_last_name), order.candidate_email))


def _batches(orders: Any) -> Iterator[list[UUID]]:
    rows = orders._default_manager.order_by("pk").values_list("pk", flat=True)
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1])[:BATCH])


@transaction.atomic
def _renewed(batch: list[UUID], orders: Any, kept: Any) -> int:
    """With the orders locked: nobody's data is erased in between."""
    locked = orders._default_manager.select_for_update().filter(pk__in=batch).order_by("pk").only(*_NAMES)
    stale = _out_of_step(list(locked), kept)
    kept._default_manager.filter(order_id__in=list(stale)).delete()
    _put(stale, kept)
    return len(stale)


def _put(found: dict[UUID, set[int]], kept: Any) -> None:
    kept._default_manager.bulk_create(
        kept(order_id=pk, term=term) for pk, of_one in found.items() for term in of_one
    )


def _out_of_step(orders: list[Order], kept: Any) -> dict[UUID, set[int]]:
    """What those should have whose terms are not that."""
    has: dict[UUID, set[int]] = defaultdict(set)
    rows = kept._default_manager.filter(order_id__in=[order.pk for order in orders])
    for pk, term in rows.values_list("order_id", "term"):
        has[pk].add(term)
    wanted: dict[UUID, set[int]] = {}
    for order in orders:
        # Whose key is not there stays as it is.
        with suppress(SecretUnreadable):
            wanted[order.pk] = _terms_of(order)
    return {pk: fresh for pk, fresh in wanted.items() if fresh != has[pk]}
