"""What has to be done after the database was restored from a backup: the world went on meanwhile."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments import search
from assessments.models import AshbyUpdate, Order, OrderEvent, PendingCall
from assessments.orders.transaction import locked_order, record_event, schedule_look_up
from assessments.privacy.erasure_log import repeat_erasures
from assessments.recovery_log import ERASURES, KEPT, entries, entries_of
from assessments.statuses import Status
from assessments.text import epoch_ms
from integrations.models import Organization, Package

logger = logging.getLogger(__name__)


def restore_missing_orders(organization: Organization, since: datetime) -> list[Order]:
    """Makes each order that was accepted since then and that the database does not have. Justifacts is
    asked for it first: it is never placed blindly."""
    erased = {pk for erasure in entries_of(ERASURES) for pk in erasure["orders"]}
    noted = [
        entry
        for entry in entries(since)
        if entry["organization_id"] == organization.pk and entry["assessment_id"] not in erased
    ]
    known = Order.objects.filter(pk__in=[entry["assessment_id"] for entry in noted])
    missing = {UUID(entry["assessment_id"]): entry for entry in noted}
    for pk in known.values_list("pk", flat=True):
        missing.pop(pk, None)
    return [order for entry in missing.values() if (order := _make(entry))]


def _make(entry: dict[str, Any]) -> Order | None:
    now = timezone.now()
    facts = entry | {"created_at": datetime.fromisoformat(entry["created_at"])}
    package = entry["package_id"]
    if not Package.objects.filter(pk=package, organization=entry["organization_id"]).exists():
        # Fetched after the backup: the packages have to be fetched first.
        return None
    active = Order.objects.filter(
        organization=entry["organization_id"], application_id=entry["application_id"], package=package
    )
    if any(not order.has_ended for order in active):
        # The books know an older one that had ended by then: once they know that too, this can be made.
        return None
    order = _put(facts, now)
    record_event(
        order,
        OrderEvent.Source.PORTAL,
        OrderEvent.Kind.MADE_AGAIN,
        "The database had forgotten this order, as after a restore; it was made again from the journal, and "
        "the portal asks Justifacts for it.",
    )
    return order


def _put(facts: dict[str, Any], now: datetime) -> Order:
    with transaction.atomic():
        order = Order.objects.create(
            **facts,
            status_since=now,
            next_call=PendingCall.LOOK_UP,
            next_attempt_at=now,
            failing_since=now,
            may_have_been_sent=True,
            cleared_for_placement=True,
            last_timestamp=epoch_ms(now),
        )
        search.index_order(order)
    return order


@dataclass(frozen=True)
class RecoveryResult:
    made_again: int
    looked_up: int
    polled: int
    erased_again: int


def recover_after_restore(now: datetime) -> RecoveryResult:
    """Makes forgotten orders again, asks Justifacts before anything is placed, polls every open order at
    once, and erases again what was erased on request. May be run twice, and on a database that was not
    restored, while no worker runs."""
    made = sum(
        len(restore_missing_orders(organization, now - KEPT)) for organization in Organization.objects.all()
    )
    AshbyUpdate.objects.exclude(lease_token=None).update(lease_token=None, leased_until=None)
    # A look-up that was a precaution before the backup is none now.
    Order.objects.filter(next_call=PendingCall.LOOK_UP).update(may_have_been_sent=True)
    to_place = list(Order.objects.filter(next_call=PendingCall.PLACE).values_list("pk", flat=True))
    for pk in to_place:
        with locked_order(pk) as order:
            schedule_look_up(order, now)
            order.failing_since = now
            record_event(
                order,
                OrderEvent.Source.PORTAL,
                OrderEvent.Kind.LOOKED_UP_FIRST,
                "The database was restored: the portal asks Justifacts whether it has this order before it "
                "places it.",
            )
    # Completed orders keep their own times: there may be sixty days of them.
    open_orders = Order.objects.filter(next_call=PendingCall.POLL).exclude(status=Status.COMPLETE)
    polled = open_orders.update(next_attempt_at=now, lease_token=None, leased_until=None)
    return RecoveryResult(made, len(to_place), polled, repeat_erasures(now))
