"""The clock of candidates' data: so many days after a check has ended, as its organization has chosen, it
is erased, unless it is under a legal hold.

May be run at any time, twice, and by two at once: each order is looked at again under its lock.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from assessments.models import ErasureReason, InboundRequest, Order
from assessments.orders.transaction import locked_order
from assessments.privacy import erasure_log
from assessments.privacy.eligibility import UNSETTLED_AT_JUSTIFACTS
from assessments.privacy.erase import Counts, erase_orders, identifiers_of, scrub_unmatched_requests
from assessments.statuses import ENDED
from integrations.audit import log
from integrations.models import Organization

#: How long one run works; the next run takes the rest.
SECONDS = 20
WHO = "the portal"


def erase_due(now: datetime) -> int:
    """Erases what is past its time, and what a restore has brought back; how many orders. Calls that belong
    to no order go as they are."""
    until, erased = time.monotonic() + SECONDS, erasure_log.repeat_erasures(now)
    for organization in Organization.objects.order_by("pk"):
        for batch in _batches(organization, now):
            erased += _erase_batch(organization, batch, now)
            if time.monotonic() > until:
                return erased
        _remove_calls(organization, now)
    return erased


def erased_on(order: Order) -> datetime | None:
    """When the order's data goes, if nothing changes; None: nothing says when."""
    if not order.has_ended or order.is_erased or order.legal_hold:
        return None
    if Order.objects.filter(UNSETTLED_AT_JUSTIFACTS, pk=order.pk).exists():
        return None
    return order.status_since + timedelta(days=order.organization.retention_days)


def orders_due(organization: Organization, now: datetime) -> QuerySet[Order]:
    """The organization's orders that are past their time, oldest first. What Justifacts may still be at is
    kept until that is settled."""
    kept = Order.objects.filter(organization=organization, erased_at=None, legal_hold=False)
    past = kept.filter(status__in=sorted(ENDED), status_since__lte=_ended_before(organization, now))
    return past.exclude(UNSETTLED_AT_JUSTIFACTS).order_by("status_since")


def _ended_before(organization: Organization, now: datetime) -> datetime:
    return now - timedelta(days=organization.retention_days)


def _batches(organization: Organization, now: datetime) -> Iterator[list[UUID]]:
    """Until one is not full: those that are erased are due no more."""
    size = settings.BATCH_SIZES["retention"]
    while batch := list(orders_due(organization, now).values_list("pk", flat=True)[:size]):
        yield batch
        if len(batch) < size:
            return


def _erase_batch(organization: Organization, ids: list[UUID], now: datetime) -> int:
    counts, names = Counts(), set[str]()
    for pk in ids:
        with locked_order(pk) as order:
            # Asked again now that nobody else can change it.
            if orders_due(organization, now).filter(pk=pk).exists():
                names |= identifiers_of(order)
                counts += erase_orders(order, ErasureReason.RETENTION, _because(organization), now)
    if counts:
        counts["inbound_requests"] += scrub_unmatched_requests(organization.pk, names)
        log.record_entry(
            log.Action.ERASED,
            WHO,
            organization_id=organization.pk,
            kind="retention",
            details={"days": organization.retention_days, **counts},
        )
    return counts["orders"]


def _because(organization: Organization) -> str:
    return (
        f"The candidate's data was erased: it is kept for {organization.retention_days} days after a check "
        "has ended."
    )


def _remove_calls(organization: Organization, now: datetime) -> None:
    """Calls that belong to no order have the same clock, from the day on which they came. They are no
    figures: they go as they are."""
    old = InboundRequest.objects.filter(
        organization=organization, order=None, received_at__lte=_ended_before(organization, now)
    )
    while ids := list(old.order_by("received_at").values_list("pk", flat=True)[:1000]):
        InboundRequest.objects.filter(pk__in=ids).delete()
