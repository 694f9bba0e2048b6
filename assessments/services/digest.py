"""The summary of an organization's day, told once on the next one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from assessments.models import Order, Told, Update
from assessments.statuses import Status
from integrations.models import Organization

from .news import News


@dataclass(frozen=True)
class Day:
    """What happened on a day, and what waits now."""

    started: int
    completed: int
    cancelled: int
    needing_a_human: int
    waiting_for_ashby: int

    @property
    def is_quiet(self) -> bool:
        return not any(vars(self).values())


def today(now: datetime) -> datetime:
    """The day's beginning (UTC): the end of the one that is told."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def is_time(now: datetime) -> bool:
    return now.hour >= settings.NOTICES_DIGEST_HOUR


def summary(organization: Organization, now: datetime) -> Day:
    """Yesterday's figures, and what waits now."""
    orders = Order.objects.filter(organization=organization)
    day = (today(now) - timedelta(days=1), today(now) - timedelta(microseconds=1))
    unsaid = Update.objects.filter(order__organization=organization, state__in=Update.UNSAID)
    return Day(
        started=orders.filter(created_at__range=day).count(),
        completed=orders.filter(completed_at__range=day).count(),
        cancelled=orders.filter(status=Status.CANCELLED, status_since__range=day).count(),
        needing_a_human=orders.filter(needs_attention=True).count(),
        waiting_for_ashby=unsaid.order_by().values("order").distinct().count(),
    )


def digest_news(organization: Organization, told: Told, now: datetime) -> News | None:
    """Yesterday, once. Of an organization where nothing happened and nothing waits nothing is said."""
    if not is_time(now) or (told.until and told.until >= today(now)):
        return None
    day = summary(organization, now)
    said = None if day.is_quiet else {"day": day, "date": today(now) - timedelta(days=1)}
    return News(said, {"until": today(now)})
