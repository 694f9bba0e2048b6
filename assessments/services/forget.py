"""Forgetting one candidate of an organization, on request, with a certificate.

What cannot be erased now is kept, and the certificate names it with the reason: an order under a legal
hold, and one that is not settled yet at both sides, which would be lost (cancel it first).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from assessments.models import ErasedWhy, ErasureCertificate, Order
from integrations import audit
from integrations.models import Organization

from . import erasure_journal, journal
from .candidates import digest_of, digests_of, orders_of_candidate
from .changing import changing
from .erasable import why_kept
from .erase import Counts, erase, erase_calls_that_name, names_of
from .plain import plain


@dataclass(frozen=True)
class Plan:
    """What would be erased, and what would be kept, with the reason of each."""

    to_erase: Sequence[Order]
    kept: Sequence[tuple[Order, str | Promise]]


def plan(organization: Organization, email: str) -> Plan:
    """What forgetting this candidate comes to now; nothing is written."""
    found = [(order, why_kept(order)) for order in orders_of_candidate(organization, email)]
    return Plan([order for order, why in found if not why], [pair for pair in found if pair[1]])


def forget(organization: Organization, email: str, by: str, now: datetime) -> ErasureCertificate:
    """Erases the candidate's data in every order of the organization where that can be done. The
    certificate is true if and only if it was done: both are one transaction."""
    with transaction.atomic():
        certificate = ErasureCertificate(
            organization=organization, at=now, by=by[:150], candidate_digest=digest_of(email)
        )
        counts, names = Counts(), set[str]()
        for found in orders_of_candidate(organization, email):
            with changing(found.pk) as order:
                if why := why_kept(order):
                    certificate.kept.append({"order": str(order.pk), "why": plain(why)})
                    continue
                names |= names_of(order)
                because = f"The candidate's data was erased on request (certificate {certificate.pk})."
                counts += erase(order, ErasedWhy.REQUEST, because, now)
                certificate.orders.append(str(order.pk))
        counts["inbound_calls"] += erase_calls_that_name(organization.pk, names)
        certificate.counts = {kind: count for kind, count in counts.items() if count}
        _sign(certificate)
        certificate.save()
        # Before the end of the transaction: better to be erased once more after a restore than not.
        erasure_journal.note(certificate)
    # After it: a line that is blanked is no help to an order that is not erased.
    journal.erase(certificate.orders)
    return certificate


def _sign(certificate: ErasureCertificate) -> None:
    """A line of the audit trail, whose chain nobody changes unseen, says the same."""
    audit.record(
        audit.Action.ERASED,
        certificate.by,
        organization_id=certificate.organization_id,
        kind="certificate",
        object_id=certificate.pk,
        details={**certificate.counts, "kept": len(certificate.kept)},
    )


def certificates_of(organization: Organization, email: str) -> QuerySet[ErasureCertificate]:
    """The certificates of this candidate, newest first."""
    own = ErasureCertificate.objects.filter(organization=organization)
    return own.filter(candidate_digest__in=digests_of(email))


def certificate_as_json(certificate: ErasureCertificate) -> dict[str, Any]:
    """As it is downloaded and printed."""
    return {
        "certificate": str(certificate.pk),
        "organization": certificate.organization.name,
        "organization_slug": certificate.organization.slug,
        "at": certificate.at.isoformat(),
        "by": certificate.by,
        "candidate_digest": certificate.candidate_digest,
        "erased": certificate.counts,
        "orders": certificate.orders,
        "kept": certificate.kept,
    }


#: How the kinds of what was erased are called, in the order in which people read them.
KINDS = (
    ("orders", _("orders: name, e-mail, links, result, application, answers")),
    ("events", _("lines of their histories")),
    ("updates", _("updates for Ashby")),
    ("attempts", _("calls to Justifacts and Ashby, with their answers")),
    ("inbound_calls", _("calls from Ashby and Justifacts, with what was sent")),
    ("differences", _("lines of reconciliation reports")),
    ("search_terms", _("search terms")),
)


def certificate_as_text(certificate: ErasureCertificate) -> str:
    """For a letter to the candidate, or for the file. Plain English, as it was written."""
    lines = [
        f"Certificate of erasure {certificate.pk}",
        "",
        f"Organization: {certificate.organization}",
        f"Time: {certificate.at:%Y-%m-%d %H:%M:%S} UTC",
        f"By: {certificate.by}",
        f"Candidate (keyed digest of the e-mail address): {certificate.candidate_digest}",
        "",
        "Erased:",
        *(
            f"- {certificate.counts[kind]} {plain(words)}"
            for kind, words in KINDS
            if certificate.counts.get(kind)
        ),
        *([] if certificate.counts else ["- nothing: no data of this candidate could be erased"]),
        *(f"- order {order}" for order in certificate.orders),
        *(["", "Kept, and why:"] if certificate.kept else []),
        *(f"- order {line['order']}: {line['why']}" for line in certificate.kept),
        "",
        "Kept are figures without a name: status, times, package, job, turnaround, numbers of the order.",
    ]
    return "\n".join(lines) + "\n"
