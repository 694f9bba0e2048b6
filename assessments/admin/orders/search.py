"""Search in the list of orders: by ID, order number, name, e-mail address or job.

A whole ID or order number finds its orders, and nothing else is looked for. Otherwise a word matches the
beginning of a name (at least three letters, without accents, through the search hashes, because names and
addresses are encrypted), the beginning of a current, former or offered order number (with a digit), or any
part of the job's name. A word with ``@`` matches an address or the beginning of one that includes the
``@``. Every look-up uses an index.
"""

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from assessments import search as search_terms
from assessments.admin.orders.distinct import distinct_values
from assessments.models import Order

_SHORT_ID = re.compile("[0-9a-f]{8}", re.IGNORECASE)
_LONGEST, _MOST_WORDS = 200, 6
_NUMBERS = ("justifacts_order_id", "offered_order_number", "former_order_number")
LISTED = 500


def search(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """The orders that match every word of the text."""
    words = _words(text)
    if (exact := _with_key(orders, words)) is not None:
        return exact
    # A word that only a name can match comes first: it leaves few orders, which the others filter.
    by_size = sorted(_alternatives(orders, words), key=len)
    for place, alternatives in enumerate(by_size):
        if place or len(alternatives) == 1:
            orders = orders.filter(reduce(or_, alternatives))
        else:
            parts = [Order.objects.filter(each).order_by().values("pk") for each in alternatives]
            orders = orders.filter(pk__in=parts[0].union(*parts[1:], all=True))
    return orders


def newest_found(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """At most the newest ``LISTED`` of the orders that ``search`` finds; a list is not read further."""
    words = _words(text)
    if not words:
        return orders
    if (exact := _with_key(orders, words)) is not None:
        return exact
    if len(words) > 1:
        found = [search(orders, text)]
    else:
        # One after the other: databases read all orders for a row that matches this or that.
        found = [orders.filter(each) for each in _alternatives(orders, words)[0]]
    newest = [
        pair
        for each in found
        for pair in each.order_by("-created_at").values_list("created_at", "pk")[:LISTED]
    ]
    return orders.filter(pk__in={pk for _at, pk in sorted(newest, reverse=True)[:LISTED]})


def _words(text: str) -> list[str]:
    words = text[:_LONGEST].replace("\x00", "").split()
    # Exports put an apostrophe before an ID that looks like a number; people paste it along.
    return [word.removeprefix("'") for word in words if word != "'"][:_MOST_WORDS]


def _with_key(orders: QuerySet[Order], words: list[str]) -> QuerySet[Order] | None:
    """The orders with this ID or number, if it is one."""
    if len(words) != 1 or "@" in words[0]:
        return None
    spellings = _spellings(words[0])
    wanted = Q(application_id__in=spellings) | Q(candidate_id__in=spellings)
    for name in _NUMBERS:
        wanted |= Q(**{f"{name}__in": spellings})
    if uuid := _uuid(words[0]):
        wanted |= Q(pk=uuid)
    # All of them, and not only whether there is one: for that, databases may read all orders.
    found = list(orders.filter(wanted).order_by().values_list("pk", flat=True))
    return orders.filter(pk__in=found) if found else None


def _alternatives(orders: QuerySet[Order], words: list[str]) -> list[list[Q]]:
    """For each word the conditions of which an order has to meet one."""
    job_names = [] if all("@" in word for word in words) else distinct_values("job_name")
    return [
        list(_conditions(word, orders, _runs(words, position), job_names))
        for position, word in enumerate(words)
    ]


def _conditions(
    word: str, orders: QuerySet[Order], runs: list[list[str]], job_names: list[str]
) -> Iterable[Q]:
    if "@" in word:
        yield from search_terms.alternatives(word, orders)
        return
    yield from search_terms.alternatives(word, orders, runs)
    if any(map(str.isdecimal, word)):
        yield Q(job_id__in=_spellings(word))
        for name in _NUMBERS:
            yield _begins_with(name, word)
    if _SHORT_ID.fullmatch(word):
        yield Q(pk__gte=UUID(word + "0" * 24), pk__lte=UUID(word + "f" * 24))
    if matching := [name for name in job_names if word.casefold() in name.casefold()]:
        yield Q(job_name__in=matching)


def _begins_with(field: str, word: str) -> Q:
    found = Q()
    for spelling in _spellings(word):
        if connection.vendor == "postgresql":
            found |= Q(**{f"{field}__startswith": spelling})
        else:
            # SQLite uses an index for a range, and none for Django's LIKE.
            found |= Q(**{f"{field}__gte": spelling, f"{field}__lt": f"{spelling}\U0010ffff"})
    return found


def _spellings(word: str) -> set[str]:
    uuid = _uuid(word)
    return {word, word.upper(), word.lower(), *([str(uuid)] if uuid else [])}


def _runs(words: list[str], position: int) -> list[list[str]]:
    """The runs of adjacent words that include the word at ``position``.

    A name may be typed as several words. Runs of two are also returned reversed, because people type the
    family name first or last.
    """
    runs = [
        words[start:end]
        for start in range(position + 1)
        for end in range(max(position + 1, start + 2), len(words) + 1)
        if not any("@" in word for word in words[start:end])
    ]
    return [*runs, *(run[::-1] for run in runs if len(run) == 2)]


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
