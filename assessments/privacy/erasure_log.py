"""The erasure log: the erasure certificates in the recovery log, which survives a restore.

A backup that is older than an erasure brings the candidate's data back and lacks the certificate. So each
certificate is written to the recovery log. It holds ids and no personal data, and never expires.
``recover_after_restore`` erases the listed orders again. Erasures by retention need no log, because the next
retention run finds those orders by itself.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assessments.models import AshbyUpdate, ErasureCertificate, ErasureReason, Order
from assessments.orders.transaction import locked_order
from assessments.privacy.eligibility import is_unsettled_at_justifacts, why_not_erasable
from assessments.privacy.erase import erase_order, identifiers_of, scrub_unmatched_requests
from assessments.recovery_log import log
from assessments.recovery_log.store import Kind
from integrations.models import Organization

#: A process may die after the commit and before it erases the recovery log. For this long, every run erases
#: the entries again.
_MAY_BE_UNFINISHED = timedelta(hours=1)

_FIELDS = ("id", "organization_id", "at", "by", "candidate_digest", "counts", "orders", "kept")


def log_erasure(certificate: ErasureCertificate) -> bool:
    """Write the certificate. Returns False and logs an error if the log cannot be written: the erasure
    goes ahead, and after a restore staff must repeat it by hand."""
    values = {name: getattr(certificate, name) for name in _FIELDS}
    # Full precision, so that a re-created certificate is equal to the first.
    values["at"] = certificate.at.isoformat()
    return log.log_erasure(certificate.pk, values)


def repeat_erasures(now: datetime) -> int:
    """Re-creates missing certificates and erases their orders again, after a restore or an interrupted
    erasure. Returns how many orders were erased.

    An order that has not ended in the restored database is erased by a run after its end. Safe to run at any
    time.
    """
    known = set(Organization.objects.values_list("pk", flat=True))
    return sum(
        _repeat_erasure(entry, now)
        for entry in log.entries(Kind.ERASURE)
        if entry["organization_id"] in known
    )


def _repeat_erasure(entry: dict[str, Any], now: datetime) -> int:
    at = datetime.fromisoformat(entry["at"])
    if not ErasureCertificate.objects.filter(pk=entry["id"]).exists():
        ErasureCertificate.objects.create(**entry | {"at": at})
    own = Order.objects.filter(organization=entry["organization_id"])
    restored = own.filter(erased_at=None, pk__in=entry["orders"])
    erased = sum(_erase_if_possible(pk, entry["id"], now) for pk in restored.values_list("pk", flat=True))
    if erased or now - at < _MAY_BE_UNFINISHED:
        log.erase(entry["orders"])
    return erased


def _is_refused_end(order: Order) -> bool:
    """Whether only this keeps the data: Ashby refuses the end, which it had accepted before the restore. The
    question about that must not keep the data of an order that was erased once."""
    if order.legal_hold or not order.has_ended or is_unsettled_at_justifacts(order):
        return False
    first = order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).order_by("sequence").first()
    return first is not None and first.state == AshbyUpdate.State.REFUSED


def _erase_if_possible(pk: UUID, certificate: str, now: datetime) -> bool:
    with locked_order(pk) as order:
        if order.is_erased or (why_not_erasable(order) and not _is_refused_end(order)):
            return False
        identifiers = identifiers_of(order)
        explanation = f"The candidate's data was erased again after a restore (certificate {certificate})."
        erase_order(order, ErasureReason.REQUEST, explanation, now)
    scrub_unmatched_requests(order.organization_id, identifiers)
    return True
