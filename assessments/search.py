"""The encrypted search index: hashes of candidates' names and addresses, by which orders are found."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from itertools import takewhile
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from assessments.models import CandidateSearchTerm, Order
from integrations.compiled import Rows
from integrations.encryption.letter_folding import foldings, parts_of
from integrations.encryption.search_hashes import hashed, looked_for, marker, normal, terms, written_together
from integrations.encryption.secrets import SecretUnreadable

#: A batch locks its orders, and on SQLite the database. The pause lets other writers work.
PAUSE_SECONDS = 0.01
_BATCHES_A_QUERY = 40


def rows_of(order: Order) -> Rows:
    """The order's rows of the index. Insert them in the statement or transaction that creates the order."""
    return Rows(CandidateSearchTerm, {"order": order.pk}, "term", list(_terms_of(order)))


def unindex_orders(orders: Iterable[Order] | QuerySet[Order]) -> int:
    """Removes the orders from the index, and returns how many terms were deleted. Call it in the transaction
    that erases the candidates' names and addresses."""
    return CandidateSearchTerm.objects.filter(order__in=orders).delete()[0]


def matches(typed: str, among: QuerySet[Order], runs: Iterable[Sequence[str]] = ()) -> Q:
    """A filter for orders whose candidate's name or address matches a typed word."""
    return reduce(or_, alternatives(typed, among, runs))


def alternatives(typed: str, among: QuerySet[Order], runs: Iterable[Sequence[str]] = ()) -> list[Q]:
    """The filters of which ``matches`` lets an order pass one. Each uses an index; all in one may use none.

    The word matches by itself, by each of its parts (Anne-Marie), or joined with neighbouring words
    (``runs``: 김 민준, O Neil). Only the orders in ``among`` are read, so the response time reveals nothing
    about other organizations.
    """
    if "@" in typed:
        return [Q(pk__in=_by_address(among.filter(_with_terms(looked_for(typed))), normal(typed)))]
    joined = {text for run in runs for text in written_together(run)}
    whole = _with_terms([*looked_for(typed), *hashed(joined)])
    parts = parts_of(foldings(typed)[0])
    if len(parts) < 2:
        return [whole]
    return [whole, reduce(and_, (_with_terms(looked_for(part)) for part in parts))]


def _with_terms(hashes: list[int]) -> Q:
    rows = CandidateSearchTerm.objects.filter(term__in=hashes)
    return Q(pk__in=Subquery(rows.values("order_id")))


def _by_address(candidates: QuerySet[Order], prefix: str) -> list[UUID]:
    """The orders whose address begins with the prefix. The few candidates share the part before the ``@``."""
    found = []
    for order in candidates.order_by().select_related(None).only("candidate_email"):
        with suppress(SecretUnreadable):
            if normal(order.candidate_email).startswith(prefix):
                found.append(order.pk)
    return found


def rebuild(
    order_model: Any = Order, term_model: Any = CandidateSearchTerm, until: float | None = None
) -> int:
    """Indexes the orders again whose terms are missing, use another key or follow earlier rules. Returns how
    many.

    It may be stopped and run again at any moment. No batch begins after ``until``, a time of
    ``time.monotonic()``. Migrations pass their historical models as ``order_model`` and ``term_model``.
    """
    batches = takewhile(
        lambda _: until is None or time.monotonic() < until, _batches(order_model, term_model)
    )
    return sum(_reindex(batch, order_model, term_model) for batch in batches)


def count_pending() -> int:
    """How many orders are not yet indexed with the first key and the present rules."""
    count: int = _stale(Order, CandidateSearchTerm).count()
    return count


_NAMES = ("candidate_first_name", "candidate_last_name", "candidate_email")


def _terms_of(order: Order) -> set[int]:
    return set(terms((order.candidate_first_name, order.candidate_last_name), order.candidate_email))


def _stale(order_model: Any, term_model: Any) -> Any:
    """Orders without the present marker. Erased orders have no address and no terms."""
    present = term_model._default_manager.filter(order_id=OuterRef("pk"), term=marker())
    return order_model._default_manager.exclude(candidate_email="").filter(~Exists(present))


def _batches(order_model: Any, term_model: Any) -> Iterator[list[UUID]]:
    rows = _stale(order_model, term_model).order_by("pk").values_list("pk", flat=True)
    size = settings.BATCH_SIZES["search_terms"]
    # The query may read all orders, so it finds the orders of many batches at once.
    found = list(rows[: size * _BATCHES_A_QUERY])
    while found:
        for start in range(0, len(found), size):
            yield found[start : start + size]
            time.sleep(PAUSE_SECONDS)
        found = list(rows.filter(pk__gt=found[-1])[: size * _BATCHES_A_QUERY])


@transaction.atomic
def _reindex(batch: list[UUID], order_model: Any, term_model: Any) -> int:
    """Locks the orders, so that none is erased meanwhile. One that was erased since it was found is left
    out."""
    locked = order_model._default_manager.select_for_update().filter(pk__in=batch).exclude(candidate_email="")
    fresh: dict[UUID, set[int]] = {}
    for order in locked.order_by("pk").only(*_NAMES):
        # Without its key, an order keeps its terms.
        with suppress(SecretUnreadable):
            fresh[order.pk] = _terms_of(order)
    term_model._default_manager.filter(order_id__in=list(fresh)).delete()
    _write_terms(fresh, term_model)
    return len(fresh)


def _write_terms(terms_by_order: dict[UUID, set[int]], term_model: Any) -> None:
    term_model._default_manager.bulk_create(
        term_model(order_id=pk, term=term) for pk, own in terms_by_order.items() for term in own
    )
