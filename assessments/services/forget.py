"""Forgetting one candidate of an organization, on request, with a certificate.

What cannot be erased now is kept, and the certificate names it with the reason: an order under a legal
hold, and one that is not settled yet at both sides, which would be lost (cancel it first). One person may
have several addresses: orders of the same Ashby candidate under another address are named, and a person
decides whether to include them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import ErasedWhy, ErasureCertificate, Order
from integrations import audit
from integrations.models import Organization

from . import erasure_journal, journal
from .candidates import digest_of, digests_of, orders_of_candidate, other_orders_of
from .changing import changing
from .erasable import why_kept
from .erase import Counts, erase, erase_calls_that_name, names_of
from .people import NotPossible
from .plain import plain

#: An order, and why it cannot be erased now (empty: it can).
Line = tuple[Order, str | Promise]


@dataclass(frozen=True)
class Plan:
    """What would be erased, and what would be kept, with the reason of each. ``others``: orders of the same
    Ashby candidate under other addresses; they are erased only where a person includes them."""

    to_erase: Sequence[Order]
    kept: Sequence[Line]
    others: Sequence[Line]


def plan(organization: Organization, email: str) -> Plan:
    """What forgetting this candidate comes to now; nothing is written."""
    own = orders_of_candidate(organization, email)
    found = [(order, why_kept(order)) for order in own]
    return Plan(
        [order for order, why in found if not why],
        [line for line in found if line[1]],
        [(order, why_kept(order)) for order in other_orders_of(own)],
    )


def forget(
    organization: Organization, email: str, by: str, now: datetime, also: Collection[UUID] = ()
) -> ErasureCertificate:
    """Erases the candidate's data in every order of the organization where that can be done. The
    certificate is true if and only if it was done: both are one transaction.

    ``also``: orders among ``Plan.others`` that are erased with them. Raises ``NotPossible`` where one is not
    among them (any more): then nothing is erased.
    """
    with transaction.atomic():
        certificate = ErasureCertificate(
            organization=organization, at=now, by=by[:150], candidate_digest=digest_of(email)
        )
        own = orders_of_candidate(organization, email)
        included = [order for order in other_orders_of(own) if order.pk in also] if also else []
        if missing := set(also) - {order.pk for order in included}:
            raise NotPossible(
                _(
                    "Order %(order)s is not an order of the same Ashby candidate under another address, so "
                    "nothing was erased. Look at the plan again."
                )
                % {"order": min(missing)}
            )
        counts, names = Counts(), set[str]()
        for found in [*own, *included]:
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
    ("orders", gettext_lazy("orders: name, e-mail, links, result, application, answers")),
    ("events", gettext_lazy("lines of their histories")),
    ("updates", gettext_lazy("updates for Ashby")),
    ("attempts", gettext_lazy("calls to Justifacts and Ashby, with their answers")),
    ("inbound_calls", gettext_lazy("calls from Ashby and Justifacts, with what was sent")),
    ("differences", gettext_lazy("lines of reconciliation reports")),
    ("search_terms", gettext_lazy("search terms")),
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
