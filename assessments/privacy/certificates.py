"""Erasure certificates: sign, find and print them, and the keyed digest of a candidate."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from assessments.models import ErasureCertificate
from assessments.text import untranslated
from integrations.audit import log
from integrations.encryption.blind_index import blind_index, blind_indexes
from integrations.models import Organization
from integrations.text import format_utc

# Separates the digests of candidates from the hashes of keys and of search terms.
_DIGEST_PREFIX = "candidate:"


def normalized(email: str) -> str:
    return email.strip().casefold()


def candidate_fingerprint(email: str) -> str:
    """A keyed digest that replaces the e-mail address in a certificate. Without the portal's keys, nobody can
    test addresses against it."""
    return blind_index(_DIGEST_PREFIX + normalized(email))


def sign(certificate: ErasureCertificate) -> None:
    """Writes the certificate to the audit log, whose chain reveals any later change."""
    log.record_entry(
        log.Action.ERASED,
        certificate.by,
        organization_id=certificate.organization_id,
        kind="certificate",
        object_id=certificate.pk,
        details={**certificate.counts, "kept": len(certificate.kept)},
    )


def certificates_of(organization: Organization, email: str) -> QuerySet[ErasureCertificate]:
    """The certificates of the candidate with this e-mail address, newest first."""
    own = ErasureCertificate.objects.filter(organization=organization)
    # Under each key in use.
    return own.filter(candidate_digest__in=blind_indexes(_DIGEST_PREFIX + normalized(email)))


def certificate_as_json(certificate: ErasureCertificate) -> dict[str, Any]:
    """The certificate as JSON, for the download and the command. Times are ISO 8601."""
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


#: Each kind of ``ErasureCertificate.counts`` and its label, in display order.
KINDS = (
    ("orders", gettext_lazy("orders: name, e-mail, links, result, application, answers")),
    ("events", gettext_lazy("history entries")),
    ("updates", gettext_lazy("updates for Ashby")),
    ("attempts", gettext_lazy("calls to Justifacts and Ashby, with responses")),
    ("inbound_requests", gettext_lazy("calls from Ashby and Justifacts, with request bodies")),
    ("discrepancies", gettext_lazy("reconciliation report entries")),
    ("search_terms", gettext_lazy("search terms")),
)


def certificate_as_text(certificate: ErasureCertificate) -> str:
    """The certificate as plain text in English, for a letter to the candidate."""
    lines = [
        f"Certificate of erasure {certificate.pk}",
        "",
        f"Organization: {certificate.organization}",
        f"Time: {format_utc(certificate.at, seconds=True)}",
        f"By: {certificate.by}",
        f"Candidate (keyed digest of the e-mail address): {certificate.candidate_digest}",
        "",
        "Erased:",
        *(
            f"- {certificate.counts[kind]} {untranslated(words)}"
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
