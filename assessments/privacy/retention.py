"""Retention: erases candidate data a number of days, chosen by the organization, after the end of a check.

Orders under a legal hold are kept. Several runs may overlap: each order is checked again under its row lock.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from assessments.models import ErasureReason, InboundRequest, Order
from assessments.orders.transaction import locked_order
from assessments.privacy import erasure_log
from assessments.privacy.eligibility import UNSETTLED_AT_JUSTIFACTS, is_unsettled_at_justifacts
from assessments.privacy.erase import Counts, erase_order, identifiers_of, scrub_unmatched_requests
from assessments.recovery_log.store import Unavailable
from assessments.statuses import ENDED
from integrations.audit import log
from integrations.models import Organization

logger = logging.getLogger(__name__)

#: One run stops after this many seconds; the next one continues.
SECONDS = 20


def erase_due(now: datetime) -> int:
    """Erases orders past their retention, and orders that a restore brought back. Returns how many. Also
    deletes calls of the same age that belong to no order."""
    deadline, erased = time.monotonic() + SECONDS, 0
    try:
        erased = erasure_log.repeat_erasures(now)
    except Unavailable as error:
        # Retention does not wait for the recovery log. A later run repeats the erasures.
        logger.error("cannot repeat erasures: %s", error)
    for organization in Organization.objects.order_by("pk"):
        for batch in _batches(organization, now):
            erased += _erase_batch(organization, batch, now)
            if time.monotonic() > deadline:
                return erased
        _delete_unmatched_requests(organization, now)
    return erased


def erased_on(order: Order) -> datetime | None:
    """When retention will erase the order; None if that is not known, as under a legal hold."""
    if not order.has_ended or order.is_erased or order.legal_hold or is_unsettled_at_justifacts(order):
        return None
    return order.status_since + timedelta(days=order.organization.retention_days)


def orders_due(organization: Organization, now: datetime) -> QuerySet[Order]:
    """The organization's orders past their retention, oldest first. An order that may still be in progress at
    Justifacts is not due."""
    kept = Order.objects.filter(organization=organization, erased_at=None, legal_hold=False)
    expired = kept.filter(status__in=sorted(ENDED), status_since__lte=_ended_before(organization, now))
    return expired.exclude(UNSETTLED_AT_JUSTIFACTS).order_by("status_since")


def _ended_before(organization: Organization, now: datetime) -> datetime:
    return now - timedelta(days=organization.retention_days)


def _batches(organization: Organization, now: datetime) -> Iterator[list[UUID]]:
    """Erased orders are not due, so each query returns the next ones."""
    size = settings.BATCH_SIZES["retention"]
    while batch := list(orders_due(organization, now).values_list("pk", flat=True)[:size]):
        yield batch
        if len(batch) < size:
            return


def _erase_batch(organization: Organization, ids: list[UUID], now: datetime) -> int:
    counts, identifiers = Counts(), set[str]()
    explanation = (
        f"The candidate's data was erased: it is kept for {organization.retention_days} days after a check "
        "has ended."
    )
    for pk in ids:
        with locked_order(pk) as order:
            # The order may have changed before it was locked.
            if orders_due(organization, now).filter(pk=pk).exists():
                identifiers |= identifiers_of(order)
                counts += erase_order(order, ErasureReason.RETENTION, explanation, now)
    if counts:
        counts["inbound_requests"] += scrub_unmatched_requests(organization.pk, identifiers)
        log.record_entry(
            log.Action.ERASED,
            "the portal",
            organization_id=organization.pk,
            kind="retention",
            details={"days": organization.retention_days, **counts},
        )
    return counts["orders"]


def _delete_unmatched_requests(organization: Organization, now: datetime) -> None:
    """Calls that belong to no order are deleted: no figures are computed from them."""
    unmatched = InboundRequest.objects.filter(organization=organization, order=None)
    old = unmatched.filter(received_at__lte=_ended_before(organization, now))
    while ids := list(old.order_by("received_at").values_list("pk", flat=True)[:1000]):
        InboundRequest.objects.filter(pk__in=ids).delete()
