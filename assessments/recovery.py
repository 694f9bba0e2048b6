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
from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.transaction import (
    clear_attention,
    locked_order,
    record_event,
    schedule_call,
    schedule_look_up,
    set_status,
)
from assessments.outbox.compose import add_delivered, renew_timestamp
from assessments.placement.failures import reject
from assessments.privacy.erasure_log import repeat_erasures
from assessments.recovery_log.log import COMPLETION_FIELDS, entries
from assessments.recovery_log.store import KEPT, Kind
from assessments.statuses import ENDED, Status
from assessments.text import epoch_ms
from assessments.tracking.apply import end_as_cancelled
from assessments.tracking.order_number import link_provider_order
from integrations.compiled import insert
from integrations.models import Organization, Package
from integrations.text import format_utc

logger = logging.getLogger(__name__)


def restore_missing_orders(organization: Organization, since: datetime) -> list[Order]:
    """Rebuild the orders in the recovery log from ``since`` on that the database lacks, repeat the
    cancellations and ends that it lacks, and return the rebuilt orders. Each is looked up at Justifacts
    before it is placed. Raises ``Unavailable``."""
    erased = {pk for erasure in entries(Kind.ERASURE) for pk in erasure["orders"]}
    missing = {
        entry["assessment_id"]: entry
        for entry in entries(Kind.START, since, _unknown_orders)
        if entry["organization_id"] == organization.pk and entry["assessment_id"] not in erased
    }
    cancellations, ends = (
        {
            entry["assessment_id"]: entry
            for entry in entries(kind, since, choose)
            if entry["organization_id"] == organization.pk
        }
        for kind, choose in ((Kind.CANCELLATION, _unended_orders), (Kind.END, _unreported_orders))
    )

    def repeat(pk: str) -> None:
        if not Order.objects.filter(pk=pk).exists():
            return
        if pk in cancellations:
            _repeat_cancellation(cancellations[pk])
        if pk in ends:
            _repeat_end(ends[pk])

    # The ended orders first, and the oldest first: while one is active, no later one can be rebuilt.
    for pk in (cancellations.keys() | ends.keys()) - missing.keys():
        repeat(pk)
    rebuilt = []
    for entry in sorted(missing.values(), key=lambda entry: str(entry["created_at"])):
        if order := _rebuild(entry):
            rebuilt.append(order)
            repeat(entry["assessment_id"])
    return rebuilt


def _unknown_orders(keys: Collection[str]) -> set[str]:
    known = Order.objects.filter(pk__in=keys).values_list("pk", flat=True)
    return set(keys) - {str(pk) for pk in known}


def _unended_orders(keys: Collection[str]) -> set[str]:
    """Those that are active in the database, or missing."""
    ended = Order.objects.filter(pk__in=keys, status__in=ENDED)
    return set(keys) - {str(pk) for pk in ended.values_list("pk", flat=True)}


def _unreported_orders(keys: Collection[str]) -> set[str]:
    """Those that are active in the database, or missing, or whose end Ashby has not accepted."""
    ended = Order.objects.filter(pk__in=keys, status__in=ENDED)
    reported = ended.exclude(updates__state__in=AshbyUpdate.UNDELIVERED)
    return set(keys) - {str(pk) for pk in reported.values_list("pk", flat=True)}


def _repeat_cancellation(entry: dict[str, Any]) -> None:
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


def _repeat_end(entry: dict[str, Any]) -> None:
    """End the order as Ashby knows it, and record which updates Ashby has. Ashby refuses them after the end,
    so they are not sent again."""
    now = timezone.now()
    status = Status(entry["status"])
    with locked_order(UUID(entry["assessment_id"])) as order:
        if order.is_erased:
            return
        if not order.has_ended:
            accepted = format_utc(datetime.fromisoformat(entry["delivered_at"]))
            text = (
                "The database lacked the end of this check, as after a restore. Ashby already has it, since "
                f"{accepted}. The portal repeats it from the recovery log, and does not send it again."
            )
            record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESTORED, text)
            _end(order, status, entry, now)
        elif order.status == status == Status.COMPLETE and _is_newer(order, entry):
            text = (
                "The database had an older result of this check, as after a restore. Ashby already has the "
                "newer one, which the portal takes from the recovery log."
            )
            record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESTORED, text)
            _set_completion(order, entry)
        if order.status == status:
            _record_accepted(order, entry)


def _end(order: Order, status: Status, entry: dict[str, Any], now: datetime) -> None:
    if status == Status.CANCELLED:
        end_as_cancelled(order, entry["closing_reason"], OrderEvent.Source(entry["cancelled_by"]), now)
    elif status == Status.REJECTED:
        reject(order, entry["closing_reason"], now)
    else:
        set_status(order, status, now)
        _set_completion(order, entry)
        if number := order.justifacts_order_id or entry["justifacts_order_id"]:
            link_provider_order(order, number, now)
        if order.next_call == PendingCall.POLL:
            # The result may have changed since.
            schedule_call(order, PendingCall.POLL, now)


def _set_completion(order: Order, entry: dict[str, Any]) -> None:
    order.completed_at = datetime.fromisoformat(entry["completed_at"])
    for name in COMPLETION_FIELDS:
        setattr(order, name, entry[name])


def _is_newer(order: Order, entry: dict[str, Any]) -> bool:
    """Whether Ashby has a newer result than each that the database has, sent or not."""
    ends = (update for update in order.updates.all() if _is_end(update.payload))
    return all(update.timestamp < entry["payload"]["timestamp"] for update in ends)


def _record_accepted(order: Order, entry: dict[str, Any]) -> None:
    """Ashby has accepted the update in the entry, and each one before it, since it gets them in order."""
    accepted = AshbyUpdate(
        order=order,
        timestamp=entry["payload"]["timestamp"],
        payload=entry["payload"],
        summary=entry["summary"],
        state=AshbyUpdate.State.DELIVERED,
        delivered_at=datetime.fromisoformat(entry["delivered_at"]),
    )
    pending = list(order.updates.filter(state__in=AshbyUpdate.UNDELIVERED))
    is_lost = not order.updates.filter(timestamp=accepted.timestamp).exists()
    if is_lost:
        # It is newer than the backup. The same end may have been written again since the restore.
        twin = next((each for each in pending if _end_in(each.payload) == _end_in(accepted.payload)), None)
        if twin:
            twin.timestamp, twin.payload = accepted.timestamp, accepted.payload
        else:
            add_delivered(order, accepted)
    for update in pending:
        if update.timestamp <= accepted.timestamp:
            update.state, update.delivered_at = accepted.state, accepted.delivered_at
        elif is_lost and not _is_end(update.payload):
            # It was written since the restore, such as a stall note.
            text = f"“{update.summary}” is not sent: Ashby already has the end of this check."
            record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESTORED, text)
            update.state = AshbyUpdate.State.SKIPPED
        else:
            continue
        update.failing_since, update.last_error = None, ""
        update.release_lease()
        update.save()
    if not order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).exists():
        clear_attention(order, AttentionTopic.DELIVERY)


def _is_end(payload: dict[str, Any]) -> bool:
    return not {"assessment_result", "cancelled_reason"}.isdisjoint(payload)


def _end_in(payload: dict[str, Any]) -> list[object]:
    parts = ("assessment_status", "assessment_result", "assessment_profile_url", "cancelled_reason")
    return [(payload.get(part) or {}).get("value") for part in parts]


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
        insert(search.rows_of(order))
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
    """Rebuilds missing orders, repeats ends, looks up every order before it is placed, polls all open orders
    now, gives undelivered updates new timestamps, and repeats erasure requests. Run it while no worker runs;
    running it again, or without a restore, does no harm."""
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
    waiting = AshbyUpdate.objects.filter(state__in=AshbyUpdate.UNDELIVERED).order_by()
    for pk in set(waiting.values_list("order", flat=True)):
        with locked_order(pk) as order:
            pending = list(order.updates.filter(state__in=AshbyUpdate.UNDELIVERED).order_by("sequence"))
            # Ashby has nothing newer than an end. If it has the end, it recognizes it by its timestamp.
            if pending and not _is_end(pending[0].payload):
                for update in pending:
                    renew_timestamp(order, update, now)
    # Completed orders keep their poll times, because there may be sixty days of them.
    open_orders = Order.objects.filter(next_call=PendingCall.POLL).exclude(status=Status.COMPLETE)
    polled = open_orders.update(next_attempt_at=now, lease_token=None, leased_until=None)
    return RecoveryResult(rebuilt, len(to_place), polled, repeat_erasures(now))
