"""The figures of the dashboard. The database counts them; no order is loaded."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.conf import settings
from django.core.cache import cache
from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, PendingCall, Reconciliation
from assessments.stalled.detect import IS_STALLED
from assessments.statuses import ENDED
from integrations.models import Package

#: The upper bounds of the age groups of undelivered updates; a last group has no bound.
AGES = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_A_DAY = timedelta(days=1)
#: How old the figures of many orders may be.
_LAG_SECONDS = 60


@dataclass(frozen=True)
class Scope:
    """The ids of the organizations that are counted; None counts all."""

    organizations: tuple[int, ...] | None = None

    def filter_along(self, path: str) -> Q:
        """A filter by the scope's organizations, along a lookup path such as ``order__organization``."""
        return Q() if self.organizations is None else Q(**{f"{path}__in": self.organizations})

    @property
    def orders(self) -> QuerySet[Order]:
        return Order.objects.order_by().filter(self.filter_along("organization"))


@dataclass(frozen=True)
class Problems:
    """How many orders each problem filter of the order list finds."""

    needs_attention: int
    paused: int
    stalled: int
    unknown: int
    ashby: int
    placing: int
    #: Not a problem: orders that have not ended.
    active: int


def problems(scope: Scope) -> Problems:
    orders = scope.orders
    waiting = (
        AshbyUpdate.objects.order_by()
        .filter(scope.filter_along("order__organization"), state__in=AshbyUpdate.UNDELIVERED)
        .aggregate(
            ashby=Count("order", distinct=True),
            paused=Count(
                "order", distinct=True, filter=Q(order__organization__connection__paused_at__isnull=False)
            ),
        )
    )
    return Problems(
        needs_attention=orders.filter(needs_attention=True).count(),
        stalled=orders.filter(IS_STALLED).count(),
        unknown=orders.filter(status_unrecognized=True).count(),
        placing=orders.filter(next_call__in=[PendingCall.PLACE, PendingCall.LOOK_UP]).count(),
        active=orders.exclude(status__in=ENDED).count(),
        **waiting,
    )


def reports_needing_review(scope: Scope, now: datetime) -> int:
    """How many organizations' last reconciliation within a day found a discrepancy that needs review."""
    ended = Reconciliation.objects.filter(started_at__gte=now - _A_DAY, ended_at__isnull=False)
    of_same_organization = ended.filter(organization=OuterRef("organization")).order_by("-started_at", "-pk")
    last = ended.filter(
        scope.filter_along("organization"), pk=Subquery(of_same_organization.values("pk")[:1])
    )
    return last.filter(needs_review__gt=0).count()


def needing_attention(scope: Scope, most: int) -> list[Order]:
    """At most ``most`` orders that need attention, the longest waiting first. Only the fields that the
    dashboard shows are loaded."""
    waiting = scope.orders.filter(needs_attention=True).select_related("organization")
    shown = waiting.only(
        *("candidate_first_name", "candidate_last_name", "attention_reason", "attention_since", "erased_at"),
        "organization__name",
    )
    return list(shown.order_by("attention_since", "pk")[:most])


def days_until(now: datetime, count: int) -> list[date]:
    """The last ``count`` days in local time, up to today."""
    today = timezone.localdate(now)
    return [today - timedelta(days=ago) for ago in reversed(range(count))]


def orders_by_day(scope: Scope, days: Sequence[date]) -> dict[tuple[date, str], int]:
    """How many orders were started on each day, by their present status."""
    start = timezone.make_aware(datetime.combine(days[0], time.min))
    counted = (
        scope.orders.filter(created_at__gte=start)
        .values_list(TruncDate("created_at"), "status")
        .annotate(count=Count("*"))
    )
    return {(day, status): count for day, status, count in counted}


#: The number of completed checks by package label, result, and turnaround in whole hours (None if unknown).
Completed = dict[tuple[str, str, int | None], int]


def completed_checks(scope: Scope, since: datetime) -> Completed:
    """The histogram from which results and turnaround are computed. Packages with one name count together,
    because organizations buy the same ones."""
    counted = (
        scope.orders.filter(completed_at__gte=since)
        .values_list(Package.label_in_sql("package__"), "result", F("turnaround_minutes") / 60)
        .annotate(count=Count("*"))
    )
    return {(package, result, hours): count for package, result, hours, count in counted}


@dataclass(frozen=True)
class Trends:
    """The figures of the charts."""

    by_day: dict[tuple[date, str], int]
    waiting: dict[tuple[str, int], int]
    completed: Completed


def trends(scope: Scope, days: Sequence[date], since: datetime, now: datetime) -> Trends:
    """Orders by the ``days``, undelivered updates, and checks completed ``since``.

    If there are more orders than a list counts, the figures may be a minute old: to count them takes tenths
    of a second.
    """

    def count() -> Trends:
        return Trends(orders_by_day(scope, days), updates_waiting(scope, now), completed_checks(scope, since))

    many = settings.BATCH_SIZES["counted"]
    if scope.orders.filter(created_at__gte=since)[: many + 1].count() <= many:
        return count()
    name = hashlib.sha256(repr((scope.organizations, days[0])).encode()).hexdigest()
    found: Any = cache.get_or_set(f"dashboard-{name}", count, _LAG_SECONDS)
    return cast(Trends, found)


def results(completed: Completed) -> list[tuple[str, int]]:
    """Results and how often they occur, the most frequent first."""
    counted = Counter[str]()
    for (_package, result, _hours), count in completed.items():
        if result:
            counted[result] += count
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


@dataclass(frozen=True)
class Turnaround:
    """The turnaround of a package's checks in whole hours: median and 90th percentile."""

    package: str
    count: int
    median: int
    p90: int


def turnaround(completed: Completed) -> list[Turnaround]:
    """The turnaround of each package, the most used first."""
    histograms: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for (package, _result, hours), count in completed.items():
        if hours is not None:
            histograms[package][hours] += count
    found = [
        Turnaround(package, sum(histogram.values()), percentile(histogram, 50), percentile(histogram, 90))
        for package, histogram in histograms.items()
    ]
    return sorted(found, key=lambda each: (-each.count, each.package))


def percentile(histogram: Mapping[int, int], percent: int) -> int:
    """The percentile of a histogram of values and counts, by the nearest-rank method. Raises ``ValueError``
    if it is empty."""
    needed = sum(histogram.values()) * percent
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value] * 100
        if seen >= needed:
            return value
    raise ValueError("an empty histogram has no percentile")


#: Why an update is undelivered.
PENDING, PAUSED, REFUSED = "on_the_way", "paused", "refused"


def updates_waiting(scope: Scope, now: datetime) -> dict[tuple[str, int], int]:
    """How many updates are undelivered, by reason and age group (an index into ``AGES``)."""
    paused = Q(order__organization__connection__paused_at__isnull=False)
    reason = Case(
        When(state=AshbyUpdate.State.REFUSED, then=Value(REFUSED)),
        When(paused, then=Value(PAUSED)),
        default=Value(PENDING),
    )
    age = Case(
        *(When(created_at__gt=now - limit, then=Value(group)) for group, limit in enumerate(AGES)),
        default=Value(len(AGES)),
    )
    counted = (
        AshbyUpdate.objects.order_by()
        .filter(scope.filter_along("order__organization"), state__in=AshbyUpdate.UNDELIVERED)
        .values_list(reason, age)
        .annotate(count=Count("*"))
    )
    return {(reason, group): count for reason, group, count in counted}
