"""Erasure requests: erase one candidate's data in all orders of an organization, and issue a certificate.

An order that cannot be erased now is kept, and the certificate gives the reason: a legal hold, or work that
is still open at Ashby or Justifacts. Orders of the same Ashby candidate under other e-mail addresses are
listed, and a member of staff decides whether to include them.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from assessments.models import ErasureCertificate, ErasureReason, Order
from assessments.orders.staff import NotPossible
from assessments.orders.transaction import locked_order
from assessments.privacy import erasure_log
from assessments.privacy.certificates import candidate_fingerprint, normalized, sign
from assessments.privacy.eligibility import why_not_erasable
from assessments.privacy.erase import Counts, erase_order, identifiers_of, scrub_unmatched_requests
from assessments.recovery_log import log as recovery_log
from assessments.search import matches
from assessments.text import untranslated
from integrations.models import Organization

#: An order and the reason why it cannot be erased now; empty if it can.
AssessedOrder = tuple[Order, str | Promise]


@dataclass(frozen=True)
class ErasurePlan:
    """``others`` are orders of the same Ashby candidate under other addresses. They are erased only if staff
    include them."""

    to_erase: Sequence[Order]
    kept: Sequence[AssessedOrder]
    others: Sequence[AssessedOrder]


def plan_erasure(organization: Organization, email: str) -> ErasurePlan:
    """What ``erase_candidate`` would do now. Writes nothing."""
    own = orders_of_candidate(organization, email)
    assessed = [(order, why_not_erasable(order)) for order in own]
    return ErasurePlan(
        [order for order, why in assessed if not why],
        [(order, why) for order, why in assessed if why],
        [(order, why_not_erasable(order)) for order in other_orders_of(own)],
    )


def erase_candidate(
    organization: Organization, email: str, by: str, now: datetime, also: Collection[UUID] = ()
) -> ErasureCertificate:
    """Erases the candidate's data in every order of the organization that can be erased, and saves the
    certificate in the same transaction.

    ``also`` are ids from ``ErasurePlan.others`` to include. Raises ``NotPossible``, and erases nothing, if
    one of them is not in that list any more.
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
        counts, identifiers = Counts(), set[str]()
        for found in [*own, *included]:
            with locked_order(found.pk) as order:
                if why := why_not_erasable(order):
                    certificate.kept.append({"order": str(order.pk), "why": untranslated(why)})
                    continue
                identifiers |= identifiers_of(order)
                explanation = f"The candidate's data was erased on request (certificate {certificate.pk})."
                counts += erase_order(order, ErasureReason.REQUEST, explanation, now)
                certificate.orders.append(str(order.pk))
        counts["inbound_requests"] += scrub_unmatched_requests(organization.pk, identifiers)
        certificate.counts = {kind: count for kind, count in counts.items() if count}
        sign(certificate)
        certificate.save()
        # Before the commit: repeating an erasure that was rolled back is better than missing one.
        erasure_log.log_erasure(certificate)
    # After the commit: an order whose erasure was rolled back keeps its entry.
    recovery_log.erase(certificate.orders)
    return certificate


def orders_of_candidate(organization: Organization, email: str) -> list[Order]:
    """The organization's orders for this e-mail address, oldest first, without erased orders. Letter case is
    ignored."""
    wanted = normalized(email)
    if not wanted:
        return []
    own = Order.objects.filter(organization=organization, erased_at=None).order_by("created_at")
    # A text without "@" has no search terms, so every order is compared.
    likely = own.filter(matches(wanted, own)) if "@" in wanted else own
    rows = likely.select_related("organization", "package").iterator(chunk_size=1000)
    return [order for order in rows if normalized(order.candidate_email) == wanted]


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
