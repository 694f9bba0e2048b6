"""Which orders are a candidate's."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

from assessments.models import Order
from assessments.search import matches
from integrations.encryption.blind_index import blind_index, blind_indexes
from integrations.models import Organization

# So that the digest of an address is no hash of a key, nor of anything else that is stored.
_FOR_A_CANDIDATE = "candidate:"


def orders_of_candidate(organization: Organization, email: str) -> list[Order]:
    """Every order of the organization that was started for this e-mail address, in whatever case, oldest
    first; none that is erased already."""
    wanted = _plain(email)
    own = Order.objects.filter(organization=organization, erased_at=None).order_by("created_at")
    # What is no address has no search term of its own, so that every order is looked at.
    likely = own.filter(matches(wanted, own) if "@" in wanted else Q()).select_related(
        "organization", "package"
    )
    found = (order for order in likely.iterator(chunk_size=1000) if _plain(order.candidate_email) == wanted)
    return list(found) if wanted else []


def other_orders_of(candidate: Iterable[Order]) -> list[Order]:
    """Orders of the same organization that Ashby started for the same candidate, by its id, under other
    addresses than these orders have; oldest first, none that is erased already."""
    own = [order for order in candidate if order.candidate_id]
    if not own:
        return []
    # Ashby's ids are UUIDs, whose letters may be large or small.
    same_id = reduce(or_, (Q(candidate_id__iexact=order.candidate_id) for order in own))
    others = Order.objects.filter(same_id, organization=own[0].organization_id, erased_at=None)
    others = others.exclude(pk__in=[order.pk for order in own]).order_by("created_at")
    return list(others.select_related("organization", "package"))


def candidate_fingerprint(email: str) -> str:
    """What stands in a certificate in place of the address: without the portal's keys nobody can try
    addresses against it."""
    return blind_index(_FOR_A_CANDIDATE + _plain(email))


def candidate_fingerprints(email: str) -> list[str]:
    """The same under each key that is in use, to find certificates by."""
    return blind_indexes(_FOR_A_CANDIDATE + _plain(email))


def _plain(email: str) -> str:
    return email.strip().casefold()
