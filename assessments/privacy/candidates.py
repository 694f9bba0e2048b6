"""Finds a candidate's orders, and computes the candidate's keyed digest."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

from assessments.models import Order
from assessments.search import matches
from integrations.encryption.blind_index import blind_index, blind_indexes
from integrations.models import Organization

# Separates the digests of candidates from the hashes of keys and of search terms.
_DIGEST_PREFIX = "candidate:"


def orders_of_candidate(organization: Organization, email: str) -> list[Order]:
    """The organization's orders for this e-mail address, oldest first, without erased orders. Letter case is
    ignored."""
    wanted = _normalized(email)
    own = Order.objects.filter(organization=organization, erased_at=None).order_by("created_at")
    # A text without "@" has no search terms, so every order is compared.
    likely = own.filter(matches(wanted, own) if "@" in wanted else Q()).select_related(
        "organization", "package"
    )
    found = (
        order for order in likely.iterator(chunk_size=1000) if _normalized(order.candidate_email) == wanted
    )
    return list(found) if wanted else []


def other_orders_of(candidate: Iterable[Order]) -> list[Order]:
    """The organization's further orders for the same candidates, by Ashby's candidate id, oldest first,
    without erased orders. They were started under other e-mail addresses."""
    own = [order for order in candidate if order.candidate_id]
    if not own:
        return []
    # Ashby's ids are UUIDs and may differ in letter case.
    same_id = reduce(or_, (Q(candidate_id__iexact=order.candidate_id) for order in own))
    others = Order.objects.filter(same_id, organization=own[0].organization_id, erased_at=None)
    others = others.exclude(pk__in=[order.pk for order in own]).order_by("created_at")
    return list(others.select_related("organization", "package"))


def candidate_fingerprint(email: str) -> str:
    """A keyed digest that replaces the e-mail address in a certificate. Without the portal's keys, nobody can
    test addresses against it."""
    return blind_index(_DIGEST_PREFIX + _normalized(email))


def candidate_fingerprints(email: str) -> list[str]:
    """The candidate's fingerprint under each key in use, for finding certificates."""
    return blind_indexes(_DIGEST_PREFIX + _normalized(email))


def _normalized(email: str) -> str:
    return email.strip().casefold()
