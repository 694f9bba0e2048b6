"""Finding orders by what people have at hand: a name, an e-mail address, a number, an id, a job.

Words are looked for at the beginning of names, of the order number and anywhere in the job's name;
an id or an address as a whole. So each search is a few comparisons a row, or one look-up in an index.
"""

import re
from uuid import UUID

from django.db.models import Q, QuerySet

from assessments.models import Order

_SHORT_ID = re.compile("[0-9a-f]{8}", re.IGNORECASE)
_LONGEST, _MOST_WORDS = 200, 6
_FEW = 500


def search(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    """The orders that every word of the text fits."""
    words = text[:_LONGEST].replace("\x00", "").split()[:_MOST_WORDS]
    if not words:
        return orders
    fitting = orders
    for word in words:
        fitting = fitting.filter(_fits(word))
    # A list counts, then reads a page: the few that a good search finds are looked for only once.
    few = list(fitting.order_by().values_list("pk", flat=True)[: _FEW + 1])
    return fitting if len(few) > _FEW else orders.filter(pk__in=few)


def _fits(word: str) -> Q:
    if uuid := _uuid(word):
        return Q(pk=uuid) | _other_ids(str(uuid)) | _other_ids(word)
    if "@" in word:
        return Q(candidate_email__istartswith=word)
    fits = (
        Q(candidate_last_name__istartswith=word)
        | Q(candidate_first_name__istartswith=word)
        | Q(justifacts_order_id__istartswith=word)
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
