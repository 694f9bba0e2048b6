"""The daily digest: an organization's day, sent once on the next day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from assessments.models import AshbyUpdate, NotificationState, Order
from assessments.notifications.content import Content
from assessments.stalled.thresholds import IS_STALLED
from assessments.statuses import Status
from integrations.models import Organization


@dataclass(frozen=True)
class DailyFigures:
    """What happened on a day, and what is pending now."""

    started: int
    completed: int
    cancelled: int
    needing_attention: int
    stalled: int
    waiting_for_ashby: int

    @property
    def is_quiet(self) -> bool:
        return not any(vars(self).values())


def next_digest_end(now: datetime) -> datetime:
    """The end (UTC) of the last day whose digest is due: yesterday, or before the digest hour the day
    before."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today if now.hour >= settings.DAILY_DIGEST_HOUR_UTC else today - timedelta(days=1)


def daily_figures(organization: Organization, end: datetime) -> DailyFigures:
    """The figures of the day that ended at ``end``, and what is pending now."""
    orders = Order.objects.filter(organization=organization)
    day = (end - timedelta(days=1), end - timedelta(microseconds=1))
    undelivered = AshbyUpdate.objects.filter(
        order__organization=organization, state__in=AshbyUpdate.UNDELIVERED
    )
    return DailyFigures(
        started=orders.filter(created_at__range=day).count(),
        completed=orders.filter(completed_at__range=day).count(),
        cancelled=orders.filter(status=Status.CANCELLED, status_since__range=day).count(),
        needing_attention=orders.filter(needs_attention=True).count(),
        stalled=orders.filter(IS_STALLED).count(),
        waiting_for_ashby=undelivered.order_by().values("order").distinct().count(),
    )


def digest_content(organization: Organization, state: NotificationState, now: datetime) -> Content | None:
    """The digest of the last day, once, and without text if there is nothing to report.

    A new recipient gets no digest for the past; the first one comes the next morning.
    """
    end = next_digest_end(now)
    if state.notified_up_to and state.notified_up_to >= end:
        return None
    day = daily_figures(organization, end) if state.notified_up_to else None
    context = {"day": day, "date": end - timedelta(days=1)} if day and not day.is_quiet else None
    return Content(context, {"notified_up_to": end})
