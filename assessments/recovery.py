"""Recovery after a restore: Ashby and Justifacts know more than the restored database."""

import logging
from collections.abc import Collection
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
from assessments.recovery_log.log import entries
from assessments.recovery_log.store import KEPT, Kind
from assessments.statuses import ENDED, Status
from assessments.text import epoch_ms
from assessments.tracking.apply import end_as_cancelled
from integrations.models import Organization, Package

logger = logging.getLogger(__name__)


def restore_missing_orders(organization: Organization, since: datetime) -> list[Order]:
    """Rebuild the orders in the recovery log from ``since`` on that the database lacks, repeat the
    cancellations that it lacks, and return the rebuilt orders. Each is looked up at Justifacts before it is
    placed. Raises ``Unavailable``."""
    erased = {pk for erasure in entries(Kind.ERASURE) for pk in erasure["orders"]}
    missing = {
        entry["assessment_id"]: entry
        for entry in entries(Kind.START, since, _unknown_orders)
        if entry["organization_id"] == organization.pk and entry["assessment_id"] not in erased
    }
    cancellations = {
        entry["assessment_id"]: entry
        for entry in entries(Kind.CANCELLATION, since, _unended_orders)
        if entry["organization_id"] == organization.pk
    }
    # The cancelled orders first, and the oldest first: while one is active, no later one can be rebuilt.
    for pk in cancellations.keys() - missing.keys():
        _repeat_cancellation(cancellations[pk])
    rebuilt = []
    for entry in sorted(missing.values(), key=lambda entry: str(entry["created_at"])):
        if order := _rebuild(entry):
            rebuilt.append(order)
            if cancellation := cancellations.get(entry["assessment_id"]):
                _repeat_cancellation(cancellation)
    return rebuilt


def _unknown_orders(keys: Collection[str]) -> set[str]:
    known = Order.objects.filter(pk__in=keys).values_list("pk", flat=True)
    return set(keys) - {str(pk) for pk in known}


def _unended_orders(keys: Collection[str]) -> set[str]:
    """Those that are active in the database, or missing."""
    ended = Order.objects.filter(pk__in=keys, status__in=ENDED)
    return set(keys) - {str(pk) for pk in ended.values_list("pk", flat=True)}


def _repeat_cancellation(entry: dict[str, Any]) -> None:
    if not Order.objects.filter(pk=entry["assessment_id"]).exists():
        return
    now = timezone.now()
    with locked_order(UUID(entry["assessment_id"])) as order:
        if order.has_ended:
            return
        text = (
            "The database lacked the cancellation of this check, as after a restore. The portal repeats it "
            "from the recovery log."
        )
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESTORED, text)
        if order.next_call == PendingCall.PLACE:
            # It may have been placed after the backup. Then it is cancelled at Justifacts as well.
            schedule_look_up(order, now)
            order.failing_since = now
        end_as_cancelled(order, entry["closing_reason"], OrderEvent.Source(entry["cancelled_by"]), now)


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
        text = (
            "This order was missing from the database, as after a restore. The portal rebuilt it from the "
            "recovery log and looks it up at Justifacts."
        )
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESTORED, text)
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
    since = now - KEPT
    rebuilt = sum(len(restore_missing_orders(each, since)) for each in Organization.objects.all())
    AshbyUpdate.objects.exclude(lease_token=None).update(lease_token=None, leased_until=None)
    # After a restore, any order that waits for a look-up may have been sent.
    Order.objects.filter(next_call=PendingCall.LOOK_UP).update(may_have_been_sent=True)
    to_place = list(Order.objects.filter(next_call=PendingCall.PLACE).values_list("pk", flat=True))
    for pk in to_place:
        with locked_order(pk) as order:
            schedule_look_up(order, now)
            order.failing_since = now
            text = (
                "The database was restored. The portal looks the order up at Justifacts before it places it."
            )
            record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.LOOKED_UP_FIRST, text)
    # Completed orders keep their poll times, because there may be sixty days of them.
    open_orders = Order.objects.filter(next_call=PendingCall.POLL).exclude(status=Status.COMPLETE)
    polled = open_orders.update(next_attempt_at=now, lease_token=None, leased_until=None)
    return RecoveryResult(rebuilt, len(to_place), polled, repeat_erasures(now))
