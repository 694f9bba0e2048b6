"""The summary of an organization's day, told once on the next one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from assessments.models import Order, Told, Update
from assessments.notifications.content import News
from assessments.stalled.thresholds import STANDING_STILL
from assessments.statuses import Status
from integrations.models import Organization


@dataclass(frozen=True)
class Day:
    """What happened on a day, and what waits now."""

    started: int
    completed: int
    cancelled: int
    needing_a_human: int
    standing_still: int
    waiting_for_ashby: int

    @property
    def is_quiet(self) -> bool:
        return not any(vars(self).values())


def to_be_told(now: datetime) -> datetime:
    """The end (UTC) of the last day whose digest is due: yesterday's, or before its hour the one before."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today if now.hour >= settings.NOTICES_DIGEST_HOUR else today - timedelta(days=1)


def summary(organization: Organization, end: datetime) -> Day:
    """The figures of the day that ended then, and what waits now."""
    orders = Order.objects.filter(organization=organization)
    day = (end - timedelta(days=1), end - timedelta(microseconds=1))
    unsaid = Update.objects.filter(order__organization=organization, state__in=Update.UNSAID)
    return Day(
        started=orders.filter(created_at__range=day).count(),
        completed=orders.filter(completed_at__range=day).count(),
        cancelled=orders.filter(status=Status.CANCELLED, status_since__range=day).count(),
        needing_a_human=orders.filter(needs_attention=True).count(),
        standing_still=orders.filter(STANDING_STILL).count(),
        waiting_for_ashby=unsaid.order_by().values("order").distinct().count(),
    )


def digest_news(organization: Organization, told: Told, now: datetime) -> News | None:
    """A day, once. Nothing is said of one on which nothing happened while nothing waits, nor of those
    before the recipient came: who asks for digests at noon gets the first one in the morning."""
    end = to_be_told(now)
    if told.until and told.until >= end:
        return None
    day = summary(organization, end) if told.until else None
    said = {"day": day, "date": end - timedelta(days=1)} if day and not day.is_quiet else None
    return News(said, {"until": end})
