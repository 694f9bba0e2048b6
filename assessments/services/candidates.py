"""Which orders are a candidate's."""

from assessments.models import Order
from integrations.fields import blind_index, blind_indexes
from integrations.models import Organization

# So that the digest of an address is no hash of a key, nor of anything else that is stored.
_FOR_A_CANDIDATE = "candidate:"


def orders_of_candidate(organization: Organization, email: str) -> list[Order]:
    """Every order of the organization that was started for this e-mail address, in whatever case, oldest
    first; none that is erased already."""
    wanted = _plain(email)
    own = Order.objects.filter(organization=organization, erased_at=None).order_by("created_at")
    found = [order.pk for order in own.iterator(chunk_size=1000) if _plain(order.candidate_email) == wanted]
    return list(own.select_related("organization", "package").filter(pk__in=found)) if wanted else []


def digest_of(email: str) -> str:
    """What stands in a certificate in place of the address: without the portal's keys nobody can try
    addresses against it."""
    return blind_index(_FOR_A_CANDIDATE + _plain(email))


def digests_of(email: str) -> list[str]:
    """The same under each key that is in use, to find certificates by."""
    return blind_indexes(_FOR_A_CANDIDATE + _plain(email))


def _plain(email: str) -> str:
    return email.strip().casefold()
