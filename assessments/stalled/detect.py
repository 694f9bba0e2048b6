"""Stalled orders: longer in a status than their organization's threshold.

``detect_stalled`` records the reason on each order, where pages read it, and sends Ashby a note if the
organization wants one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from assessments.models import Order, OrderEvent, StallThresholds
from assessments.orders.transaction import clear_stall, locked_order, record_event
from assessments.outbox.compose import enqueue_stall_note
from assessments.statuses import Status
from assessments.text import untranslated
from integrations.text import format_utc

#: A run that takes longer than this stops before the next order.
SECONDS = 0.7
#: The most orders of one run.
BATCH = 200
#: Orders that ``detect_stalled`` has flagged.
IS_STALLED = Q(stalled_since__isnull=False)

_SATURDAY = 5


def business_days_before(moment: datetime, days: int) -> datetime:
    """The time ``days`` working days earlier. A moment on a weekend counts as the end of the Friday
    before."""
    while moment.weekday() >= _SATURDAY:
        moment = (moment - timedelta(days=1)).replace(hour=23, minute=59, second=59)
    while days:
        moment -= timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment


@dataclass(frozen=True)
class Stage:
    """A status of an active order: the field and unit of its threshold, how to subtract it from a time, and
    the likely cause and remedy of a stall. The text is stored, so it is not translated."""

    field: str
    unit: str
    before: Callable[[datetime, int], datetime]
    advice: str


STAGES = {
    Status.ACCEPTED: Stage(
        "accepted_minutes",
        "minute",
        lambda moment, minutes: moment - timedelta(minutes=minutes),
        "Justifacts has not taken the order yet: see in the assessment portal what it waits for, and retry "
        "it there.",
    ),
    Status.RECEIVED: Stage(
        "received_days",
        "day",
        lambda moment, days: moment - timedelta(days=days),
        "The candidate may not have opened Justifacts' invitation: remind the candidate, or ask Justifacts.",
    ),
    Status.APPLICANT_STARTED: Stage(
        "applicant_started_days",
        "day",
        lambda moment, days: moment - timedelta(days=days),
        "The candidate may not have finished Justifacts' form: remind the candidate, or ask Justifacts.",
    ),
    Status.IN_PROCESS: Stage(
        "in_process_business_days",
        "working day",
        business_days_before,
        "A court, a school or an employer may be slow to answer: ask Justifacts what is missing.",
    ),
}


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of all organizations."""

    own: dict[int, StallThresholds]

    @classmethod
    def load(cls) -> "Thresholds":
        return cls({thresholds.pk: thresholds for thresholds in StallThresholds.objects.order_by()})

    def of(self, organization: int) -> StallThresholds:
        return self.own.get(organization) or StallThresholds()

    def exceeded(self, status: Status, now: datetime) -> Q:
        """A filter for orders that are longer in this status than their organization's threshold."""
        stage, path = STAGES[status], _path(status)
        default = stage.before(now, getattr(StallThresholds(), stage.field))
        found = Q(organization__watch_limits=None, status_since__lt=default)
        latest_starts = [default]
        for threshold in {getattr(own, stage.field) for own in self.own.values()}:
            latest_starts.append(stage.before(now, threshold))
            found |= Q(**{path: threshold}, status_since__lt=latest_starts[-1])
        # The index limits the rows by status and time; the join then applies each organization's threshold.
        return Q(status=status, status_since__lt=max(latest_starts)) & found

    def is_exceeded_by(self, order: Order, now: datetime) -> bool:
        stage = STAGES.get(Status(order.status))
        return stage is not None and order.status_since < stage.before(now, self.threshold(order))

    def threshold(self, order: Order) -> int:
        """The order's threshold in the unit of its stage. The order must be active."""
        threshold: int = getattr(self.of(order.organization_id), STAGES[Status(order.status)].field)
        return threshold


def _threshold_changed() -> Q:
    """A filter for stalled orders whose threshold differs from the one that they exceeded."""
    found = Q()
    for status, stage in STAGES.items():
        threshold = Coalesce(F(_path(status)), Value(getattr(StallThresholds(), stage.field)))
        found |= Q(status=status) & ~Q(stall_threshold=threshold)
    return IS_STALLED & found


def _path(status: Status) -> str:
    return f"organization__watch_limits__{STAGES[status].field}"


def stall_reason(order: Order, threshold: int) -> str:
    """What happened, the likely cause and what to do, without candidate data. It names a point in time and no
    duration, so it stays true."""
    stage = STAGES[Status(order.status)]
    limit = f"{threshold} {stage.unit}{'' if threshold == 1 else 's'}"
    return (
        f"{untranslated(Status(order.status).label)} since {format_utc(order.status_since)}; "
        f"the limit at {order.organization} is {limit}. {stage.advice}"
    )


class Run(NamedTuple):
    """``with_note``: the orders with a new note for Ashby. ``is_complete``: no further run is needed now."""

    with_note: list[UUID]
    is_complete: bool


def detect_stalled(now: datetime, seconds: float = SECONDS) -> Run:
    """Flags stalled orders and clears flags that are out of date, for up to ``seconds``.

    Several runs may overlap: each order is checked again under its row lock.
    """
    deadline, thresholds = time.monotonic() + seconds, Thresholds.load()
    with_note, has_changes = list[UUID](), False
    to_check = _orders_to_check(thresholds, now)
    for place, assessment_id in enumerate(to_check):
        # At least one, so that there is progress however slow the database is.
        if place and time.monotonic() > deadline:
            return Run(with_note, is_complete=not has_changes)
        has_changed, has_note = _check_order(assessment_id, thresholds, now)
        has_changes |= has_changed
        if has_note:
            with_note.append(assessment_id)
    # An order that is found although nothing about it changes must not cause one run after the other.
    return Run(with_note, is_complete=len(to_check) < BATCH or not has_changes)


def _orders_to_check(thresholds: Thresholds, now: datetime) -> list[UUID]:
    """The first of the orders whose row may have to change; usually none."""
    not_flagged = Order.objects.filter(stalled_since=None)
    flagged = Order.objects.filter(IS_STALLED)
    note_is_missing = Q(organization__watch_limits__notify_ashby=True) & ~Q(stall_notified_status=F("status"))
    queries = (
        *(not_flagged.filter(thresholds.exceeded(status, now)) for status in STAGES),
        flagged.filter(_threshold_changed()),
        flagged.filter(note_is_missing),
    )
    found = list[UUID]()
    for orders in queries:
        if len(found) < BATCH:
            found += orders.order_by("status_since").values_list("pk", flat=True)[: BATCH - len(found)]
    return found


def _check_order(assessment_id: UUID, thresholds: Thresholds, now: datetime) -> tuple[bool, bool]:
    """Flags the order or clears its flag. Returns whether anything has changed, and whether there is a new
    note for Ashby. An order gets one event and one note in each status."""
    has_note = False
    try:
        with locked_order(assessment_id) as order:
            before = _flags(order)
            if thresholds.is_exceeded_by(order, now):
                _mark_stalled(order, thresholds.threshold(order), now)
                has_note = _enqueue_note(order, thresholds, now)
            else:
                clear_stall(order)
            return _flags(order) != before, has_note
    except Order.DoesNotExist:
        return False, False


def _flags(order: Order) -> tuple[object, ...]:
    return order.stalled_since, order.stall_threshold, order.stall_reason, order.stall_notified_status


def _mark_stalled(order: Order, threshold: int, now: datetime) -> None:
    order.stalled_since = order.stalled_since or now
    order.stall_threshold, order.stall_reason = threshold, stall_reason(order, threshold)
    recorded = order.events.filter(kind=OrderEvent.Kind.STALLED, at__gt=order.status_since)
    if not recorded.exists():
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.STALLED, order.stall_reason)


def _enqueue_note(order: Order, thresholds: Thresholds, now: datetime) -> bool:
    if order.stall_notified_status == order.status or not thresholds.of(order.organization_id).notify_ashby:
        return False
    order.stall_notified_status = order.status
    enqueue_stall_note(order, order.stall_reason, now)
    return True
