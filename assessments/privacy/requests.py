"""Forgetting one candidate of an organization, on request, with a certificate.

What cannot be erased now is kept, and the certificate names it with the reason: an order under a legal
hold, and one that is not settled yet at both sides, which would be lost (cancel it first). One person may
have several addresses: orders of the same Ashby candidate under another address are named, and a person
decides whether to include them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from assessments import recovery_log
from assessments.models import ErasureCertificate, ErasureReason, Order
from assessments.orders.staff import NotPossible
from assessments.orders.transaction import locked_order
from assessments.privacy import erasure_log
from assessments.privacy.candidates import (
    candidate_fingerprint,
    orders_of_candidate,
    other_orders_of,
)
from assessments.privacy.certificates import sign
from assessments.privacy.eligibility import why_not_erasable
from assessments.privacy.erase import Counts, erase_orders, identifiers_of, scrub_unmatched_requests
from assessments.text import untranslated
from integrations.models import Organization

#: An order, and why it cannot be erased now (empty: it can).
Line = tuple[Order, str | Promise]


@dataclass(frozen=True)
class ErasurePlan:
    """What would be erased, and what would be kept, with the reason of each. ``others``: orders of the same
    Ashby candidate under other addresses; they are erased only where a person includes them."""

    to_erase: Sequence[Order]
    kept: Sequence[Line]
    others: Sequence[Line]


def plan_erasure(organization: Organization, email: str) -> ErasurePlan:
    """What forgetting this candidate comes to now; nothing is written."""
    own = orders_of_candidate(organization, email)
    found = [(order, why_not_erasable(order)) for order in own]
    return ErasurePlan(
        [order for order, why in found if not why],
        [line for line in found if line[1]],
        [(order, why_not_erasable(order)) for order in other_orders_of(own)],
    )


def erase_candidate(
    organization: Organization, email: str, by: str, now: datetime, also: Collection[UUID] = ()
) -> ErasureCertificate:
    """Erases the candidate's data in every order of the organization where that can be done. The
    certificate is true if and only if it was done: both are one transaction.

    ``also``: orders among ``Plan.others`` that are erased with them. Raises ``NotPossible`` where one is not
    among them (any more): then nothing is erased.
    """
    with transaction.atomic():
        certificate = ErasureCertificate(
            organization=organization, at=now, by=by[:150], candidate_digest=candidate_fingerprint(email)
        )
        own = orders_of_candidate(organization, email)
        included = [order for order in other_orders_of(own) if order.pk in also] if also else []
        if missing := set(also) - {order.pk for order in included}:
            raise NotPossible(
                _(
                    "Order %(order)s is not an order of the same Ashby candidate under another "
                    "address, so nothing was erased. Review the preview again."
                )
                % {"order": min(missing)}
            )
        counts, names = Counts(), set[str]()
        for found in [*own, *included]:
            with locked_order(found.pk) as order:
                if why := why_not_erasable(order):
                    certificate.kept.append({"order": str(order.pk), "why": untranslated(why)})
                    continue
                names |= identifiers_of(order)
                because = f"The candidate's data was erased on request (certificate {certificate.pk})."
                counts += erase_orders(order, ErasureReason.REQUEST, because, now)
                certificate.orders.append(str(order.pk))
        counts["inbound_requests"] += scrub_unmatched_requests(organization.pk, names)
        certificate.counts = {kind: count for kind, count in counts.items() if count}
        sign(certificate)
        certificate.save()
        # Before the end of the transaction: better to be erased once more after a restore than not.
        erasure_log.log_erasure(certificate)
    # After it: a line that is blanked is no help to an order that is not erased.
    recovery_log.erase(certificate.orders)
    return certificate
