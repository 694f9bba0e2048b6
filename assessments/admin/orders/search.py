"""Finding orders by what people have at hand: a name, an e-mail address, a number, an id, a job.

Words are looked for at the beginning of names (three letters of it or more, in plain letters, by their keyed
hashes: names and addresses are encrypted), of the order number (also of the one before it, and of another one
that Justifacts has used) and anywhere in the job's name; an id as a whole; an address as a whole or its
beginning, the ``@`` with it. So each search is a few comparisons a row, or one look-up in an index.
"""

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from assessments import search as search_terms
from assessments.models import Order

_SHORT_ID = re.compile("[0-9a-f]{8}", re.IGNORECASE)
_LONGEST, _MOST_WORDS = 200, 6
LISTED = 500


def search(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """The orders that every word of the text fits."""
    words = _words(text)
    for position, word in enumerate(words):
        orders = orders.filter(_fits(word, orders, _runs(words, position)))
    return orders


def newest_found(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Of those, the newest ``LISTED``: nobody reads on, and a list that counts all of them reads every
    order several times."""
    if not _words(text):
        return orders
    newest = search(orders, text).order_by("-created_at").values_list("pk", flat=True)
    return orders.filter(pk__in=list(newest[:LISTED]))


def _words(text: str) -> list[str]:
    words = text[:_LONGEST].replace("\x00", "").split()
    # In an export, an apostrophe marks an id that looks like a number.
    return [word.removeprefix("'") for word in words if word != "'"][:_MOST_WORDS]


def _runs(words: list[str], position: int) -> list[list[str]]:
    """The words beside each other that hold this one: somebody may have typed one name as several words, and
    of two, the family name first or last."""
    runs = [
        words[start:end]
        for start in range(position + 1)
        for end in range(max(position + 1, start + 2), len(words) + 1)
        if not any("@" in word for word in words[start:end])
    ]
    return [*runs, *(run[::-1] for run in runs if len(run) == 2)]


def _fits(word: str, orders: QuerySet[Order], runs: list[list[str]]) -> Q:
    if uuid := _uuid(word):
        return Q(pk=uuid) | _other_ids(str(uuid)) | _other_ids(word)
    if "@" in word:
        return search_terms.matches(word, orders)
    fits = (
        search_terms.matches(word, orders, runs)
        | Q(justifacts_order_id__istartswith=word)
        | Q(offered_order_number__istartswith=word)
        | Q(former_order_number__istartswith=word)
        | Q(job_name__icontains=word)
        | _other_ids(word)
    )
    if _SHORT_ID.fullmatch(word):
        fits |= Q(pk__gte=UUID(word + "0" * 24), pk__lte=UUID(word + "f" * 24))
    return fits


def _other_ids(word: str) -> Q:
    return Q(application_id=word) | Q(candidate_id=word) | Q(job_id=word)


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
