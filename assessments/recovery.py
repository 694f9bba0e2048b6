"""Recovery after a restore: Ashby and Justifacts know more than the restored database."""

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
from assessments.recovery_log import ERASURES, KEPT, entries, entries_in
from assessments.statuses import Status
from assessments.text import epoch_ms
from integrations.models import Organization, Package

logger = logging.getLogger(__name__)


def restore_missing_orders(organization: Organization, since: datetime) -> list[Order]:
    """Rebuilds the orders in the recovery log from ``since`` on that the database lacks, and returns them.
    Each is looked up at Justifacts before it is placed."""
    erased = {pk for erasure in entries_in(ERASURES) for pk in erasure["orders"]}
    logged = [
        entry
        for entry in entries(since)
        if entry["organization_id"] == organization.pk and entry["assessment_id"] not in erased
    ]
    known = Order.objects.filter(pk__in=[entry["assessment_id"] for entry in logged])
    missing = {UUID(entry["assessment_id"]): entry for entry in logged}
    for pk in known.values_list("pk", flat=True):
        missing.pop(pk, None)
    return [order for entry in missing.values() if (order := _rebuild(entry))]


def _rebuild(entry: dict[str, Any]) -> Order | None:
    now = timezone.now()
    package = entry["package_id"]
    if not Package.objects.filter(pk=package, organization=entry["organization_id"]).exists():
        # The package is newer than the backup; a catalog sync must bring it back first.
        return None
    active = Order.objects.filter(
        organization=entry["organization_id"], application_id=entry["application_id"], package=package
    )
    if any(not order.has_ended for order in active):
        # The restored database shows an older order as active. A later run rebuilds this one, once the older
        # order has ended here too.
        return None
    values = entry | {"created_at": datetime.fromisoformat(entry["created_at"])}
    with transaction.atomic():
        order = Order.objects.create(
            **values,
            status_since=now,
            next_call=PendingCall.LOOK_UP,
            next_attempt_at=now,
            failing_since=now,
            may_have_been_sent=True,
            cleared_for_placement=True,
            last_timestamp=epoch_ms(now),
        )
        search.index_order(order)
        record_event(
            order,
            OrderEvent.Source.PORTAL,
            OrderEvent.Kind.RESTORED,
            "This order was missing from the database, as after a restore. The portal rebuilt it from the "
            "recovery log and looks it up at Justifacts.",
        )
    return order


@dataclass(frozen=True)
class RecoveryResult:
    """How many orders were rebuilt, looked up, polled and erased."""

    made_again: int
    looked_up: int
    polled: int
    erased_again: int


def recover_after_restore(now: datetime) -> RecoveryResult:
    """Rebuilds missing orders, looks up every order before it is placed, polls all open orders now, and
    repeats erasure requests. Run it while no worker runs; running it again, or without a restore, does no
    harm."""
    rebuilt = sum(
        len(restore_missing_orders(organization, now - KEPT)) for organization in Organization.objects.all()
    )
    AshbyUpdate.objects.exclude(lease_token=None).update(lease_token=None, leased_until=None)
    # After a restore, any order that waits for a look-up may have been sent.
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
                "The database was restored. The portal looks the order up at Justifacts before it places it.",
            )
    # Completed orders keep their poll times, because there may be sixty days of them.
    open_orders = Order.objects.filter(next_call=PendingCall.POLL).exclude(status=Status.COMPLETE)
    polled = open_orders.update(next_attempt_at=now, lease_token=None, leased_until=None)
    return RecoveryResult(rebuilt, len(to_place), polled, repeat_erasures(now))
