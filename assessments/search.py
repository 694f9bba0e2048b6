"""Keeps what candidates are found by in step with what is known of them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from itertools import takewhile
from operator import and_
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from assessments.models import CandidateSearchTerm, Order
from integrations.encryption.letter_folding import foldings, parts_of
from integrations.encryption.search_hashes import hashed, looked_for, marker, normal, terms, written_together
from integrations.encryption.secrets import SecretUnreadable

#: A batch locks its orders, on SQLite the database; the pause lets other writers have their turn.
PAUSE_SECONDS = 0.01


def index_order(order: Order) -> None:
    """The order can be found from now on. In the transaction that writes it."""
    _put({order.pk: _terms_of(order)}, CandidateSearchTerm)


def unindex_orders(orders: Iterable[Order] | QuerySet[Order]) -> int:
    """No candidate of these is found any more; how many terms went. For whoever erases their names and
    addresses, in the same transaction."""
    return CandidateSearchTerm.objects.filter(order__in=orders).delete()[0]


def matches(word: str, among: QuerySet[Order], runs: Iterable[Sequence[str]] = ()) -> Q:
    """Which of the orders have a candidate whose name or address a typed word fits: by itself, by each of
    its parts (Anne-Marie), or written together with words that stand beside it (``runs``: 김 민준, O Neil).
    No other order is looked at, so that the time that it takes tells nothing of another organization's."""
    if "@" in word:
        return Q(pk__in=_with_address(among.filter(_have(looked_for(word))), normal(word)))
    together = {text for run in runs for text in written_together(run)}
    found = _have([*looked_for(word), *hashed(together)])
    parts = parts_of(foldings(word)[0])
    if len(parts) > 1:
        found |= reduce(and_, (_have(looked_for(part)) for part in parts))
    return found


def _have(found_by: list[int]) -> Q:
    found = CandidateSearchTerm.objects.filter(term__in=found_by)
    return Q(pk__in=Subquery(found.values("order_id")))


def _with_address(fitting: QuerySet[Order], beginning: str) -> list[UUID]:
    """Of the few with the same part before the ``@`` those whose address begins so."""
    found = []
    for order in fitting.order_by().select_related(None).only("candidate_email"):
        with suppress(SecretUnreadable):
            if normal(order.candidate_email).startswith(beginning):
                found.append(order.pk)
    return found


def rebuild(orders: Any = Order, kept: Any = CandidateSearchTerm, until: float | None = None) -> int:
    """Makes the terms again of orders whose terms are missing, or of another key or of earlier rules; of how
    many orders. May be stopped and run again at any moment. ``until`` (``time.monotonic()``): begins no
    batch after it."""
    batches = takewhile(lambda _: until is None or time.monotonic() < until, _batches(orders, kept))
    return sum(_renewed(batch, orders, kept) for batch in batches)


def count_pending() -> int:
    """How many orders the first key alone does not find by the present rules."""
    count: int = _stale(Order, CandidateSearchTerm).count()
    return count


_NAMES = ("candidate_first_name", "candidate_last_name", "candidate_email")


def _terms_of(order: Order) -> set[int]:
    return set(terms((order.candidate_first_name, order.candidate_last_name), order.candidate_email))


def _stale(orders: Any, kept: Any) -> Any:
    """Without the present marker. An erased candidate has no address, and no terms."""
    present = kept._default_manager.filter(order_id=OuterRef("pk"), term=marker())
    return orders._default_manager.exclude(candidate_email="").filter(~Exists(present))


def _batches(orders: Any, kept: Any) -> Iterator[list[UUID]]:
    rows = _stale(orders, kept).order_by("pk").values_list("pk", flat=True)
    size = settings.BATCH_SIZES["search terms"]
    batch = list(rows[:size])
    while batch:
        yield batch
        time.sleep(PAUSE_SECONDS)
        batch = list(rows.filter(pk__gt=batch[-1])[:size])


@transaction.atomic
def _renewed(batch: list[UUID], orders: Any, kept: Any) -> int:
    """With the orders locked: nobody's data is erased in between."""
    locked = orders._default_manager.select_for_update().filter(pk__in=batch).order_by("pk").only(*_NAMES)
    fresh: dict[UUID, set[int]] = {}
    for order in locked:
        # Whose key is not there stays as it is.
        with suppress(SecretUnreadable):
            fresh[order.pk] = _terms_of(order)
    kept._default_manager.filter(order_id__in=list(fresh)).delete()
    _put(fresh, kept)
    return len(fresh)


def _put(found: dict[UUID, set[int]], kept: Any) -> None:
    kept._default_manager.bulk_create(
        kept(order_id=pk, term=term) for pk, of_one in found.items() for term in of_one
    )
