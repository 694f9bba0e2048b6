"""Which orders are a candidate's."""

from django.db.models import Q

from assessments.models import Order
from integrations.fields import blind_index, blind_indexes
from integrations.models import Organization

from .search_terms import fits

# So that the digest of an address is no hash of a key, nor of anything else that is stored.
_FOR_A_CANDIDATE = "candidate:"


def orders_of_candidate(organization: Organization, email: str) -> list[Order]:
    """Every order of the organization that was started for this e-mail address, in whatever case, oldest
    first; none that is erased already."""
    wanted = _plain(email)
    own = Order.objects.filter(organization=organization, erased_at=None).order_by("created_at")
    # What is no address has no search term of its own, so that every order is looked at.
    likely = own.filter(fits(wanted, own) if "@" in wanted else Q()).select_related("organization", "package")
    found = (order for order in likely.iterator(chunk_size=1000) if _plain(order.candidate_email) == wanted)
    return list(found) if wanted else []


def digest_of(email: str) -> str:
    """What stands in a certificate in place of the address: without the portal's keys nobody can try
    addresses against it."""
    return blind_index(_FOR_A_CANDIDATE + _plain(email))


def digests_of(email: str) -> list[str]:
    """The same under each key that is in use, to find certificates by."""
    return blind_indexes(_FOR_A_CANDIDATE + _plain(email))


def _plain(email: str) -> str:
    return email.strip().casefold()
