"""Which orders are stalled: longer in a status than their organization's threshold.

``detect.py`` writes the result on each order, and pages read it there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from assessments.models import Order, StallThresholds
from assessments.statuses import Status
from assessments.text import untranslated
from integrations.text import format_utc

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


def threshold_changed() -> Q:
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
