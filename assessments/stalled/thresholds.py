"""Which orders stand still: longer in a status than their organization's limit. What is asked of the
database here, the watchdog writes on each order (``watch.py``); people's pages read what it wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from assessments.models import Order, StallThresholds
from assessments.statuses import Status
from assessments.text import untranslated
from integrations.text import format_utc

#: The orders that the watchdog has found.
IS_STALLED = Q(stalled_since__isnull=False)

_SATURDAY = 5


def business_days_before(moment: datetime, days: int) -> datetime:
    """So many working days earlier, at the same time of day. A weekend counts as the end of its Friday."""
    while moment.weekday() >= _SATURDAY:
        moment = (moment - timedelta(days=1)).replace(hour=23, minute=59, second=59)
    while days:
        moment -= timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment


def _minutes_before(moment: datetime, minutes: int) -> datetime:
    return moment - timedelta(minutes=minutes)


def _days_before(moment: datetime, days: int) -> datetime:
    return moment - timedelta(days=days)


@dataclass(frozen=True)
class Stage:
    """A status on the way: where its limit stands, in which unit, and what may be the reason and what
    to do when it has passed (stored, so in plain English)."""

    field: str
    unit: str
    before: Callable[[datetime, int], datetime]
    advice: str


STAGES = {
    Status.ACCEPTED: Stage(
        "accepted_minutes",
        "minute",
        _minutes_before,
        "Justifacts has not taken the order yet: see in the assessment portal what it waits for, and retry "
        "it there.",
    ),
    Status.RECEIVED: Stage(
        "received_days",
        "day",
        _days_before,
        "The candidate may not have opened Justifacts' invitation: remind the candidate, or ask Justifacts.",
    ),
    Status.APPLICANT_STARTED: Stage(
        "applicant_started_days",
        "day",
        _days_before,
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
    """The limits of every organization, as they are now."""

    own: dict[int, StallThresholds]

    @classmethod
    def now(cls) -> "Thresholds":
        return cls({limits.pk: limits for limits in StallThresholds.objects.order_by()})

    def of(self, organization: int) -> StallThresholds:
        return self.own.get(organization) or StallThresholds()

    def have_passed(self, status: Status, now: datetime) -> Q:
        """The orders in this status that have been so for longer than their organization's limit."""
        stage, path = STAGES[status], _path(status)
        usual = stage.before(now, getattr(StallThresholds(), stage.field))
        found = Q(organization__watch_limits=None, status_since__lt=usual)
        earliest = [usual]
        for limit in {getattr(limits, stage.field) for limits in self.own.values()}:
            earliest.append(stage.before(now, limit))
            found |= Q(**{path: limit}, status_since__lt=earliest[-1])
        # The index is read up to here; the join decides on the rest.
        return Q(status=status, status_since__lt=max(earliest)) & found

    def has_passed(self, order: Order, now: datetime) -> bool:
        stage = STAGES.get(Status(order.status))
        return stage is not None and order.status_since < stage.before(now, self.limit(order))

    def limit(self, order: Order) -> int:
        """Of an order that is in a stage."""
        limit: int = getattr(self.of(order.organization_id), STAGES[Status(order.status)].field)
        return limit


def threshold_changed() -> Q:
    """Of the orders that stand still, those whose limit is not the one that they have passed."""
    found = Q()
    for status, stage in STAGES.items():
        limit = Coalesce(F(_path(status)), Value(getattr(StallThresholds(), stage.field)))
        found |= Q(status=status) & ~Q(stall_threshold=limit)
    return IS_STALLED & found


def _path(status: Status) -> str:
    return f"organization__watch_limits__{STAGES[status].field}"


def sentence(order: Order, limit: int) -> str:
    """What happened, why it may be so, and what to do; nothing about the candidate. It names a moment,
    not a length, so that it stays true."""
    stage = STAGES[Status(order.status)]
    length = f"{limit} {stage.unit}{'' if limit == 1 else 's'}"
    return (
        f"{untranslated(Status(order.status).label)} since {format_utc(order.status_since)}; "
        f"the limit at {order.organization} is {length}. {stage.advice}"
    )
