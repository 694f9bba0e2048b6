"""Search in the list of orders: by name, e-mail address, order number, ID or job.

A word matches the beginning of a name (at least three letters, without accents, through the search hashes,
because names and addresses are encrypted), the beginning of a current, former or offered order number, any
part of the job's name, or a whole ID. A word with ``@`` matches an address or the beginning of one that
includes the ``@``. Each search is a few comparisons per row, or one look-up in an index.
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
    """The orders that match every word of the text."""
    words = _words(text)
    for position, word in enumerate(words):
        orders = orders.filter(_match(word, orders, _runs(words, position)))
    return orders


def newest_found(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """At most the newest ``LISTED`` of the orders that ``search`` finds.

    Nobody reads further, and a list that counts all matches would read every order several times.
    """
    if not _words(text):
        return orders
    newest = search(orders, text).order_by("-created_at").values_list("pk", flat=True)
    return orders.filter(pk__in=list(newest[:LISTED]))


def _words(text: str) -> list[str]:
    words = text[:_LONGEST].replace("\x00", "").split()
    # Exports put an apostrophe before an ID that looks like a number; people paste it along.
    return [word.removeprefix("'") for word in words if word != "'"][:_MOST_WORDS]


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


def _match(word: str, orders: QuerySet[Order], runs: list[list[str]]) -> Q:
    if uuid := _uuid(word):
        return Q(pk=uuid) | _other_ids(str(uuid)) | _other_ids(word)
    if "@" in word:
        return search_terms.matches(word, orders)
    match = (
        search_terms.matches(word, orders, runs)
        | Q(justifacts_order_id__istartswith=word)
        | Q(offered_order_number__istartswith=word)
        | Q(former_order_number__istartswith=word)
        | Q(job_name__icontains=word)
        | _other_ids(word)
    )
    if _SHORT_ID.fullmatch(word):
        match |= Q(pk__gte=UUID(word + "0" * 24), pk__lte=UUID(word + "f" * 24))
    return match


def _other_ids(word: str) -> Q:
    return Q(application_id=word) | Q(candidate_id=word) | Q(job_id=word)


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
