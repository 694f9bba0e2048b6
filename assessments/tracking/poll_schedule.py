"""When Justifacts is polled for the status of an order.

An order in progress is polled at an interval that grows to twelve ``POLL_INTERVAL_SECONDS``. A completed
order is polled for the number of days that its organization has set (60 by default). Its interval grows with
the time since the completion, from the longest interval of an order in progress to three days; the last poll
is at the end of the period. With the defaults that is about 40 polls in 60 days.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from assessments.models import Order, PendingCall
from assessments.orders.transaction import backoff_delay, locked_order, schedule_call
from assessments.statuses import Status
from integrations.models import Organization

_LONGEST_AFTER_COMPLETION = timedelta(days=3)
#: A last poll that fails is repeated for this long.
GRACE = timedelta(days=1)
#: The most orders whose polling one run resumes.
BATCH = 1000


def polled_until(order: Order) -> datetime | None:
    """The end of a completed order's polling; None for any other order."""
    if order.status != Status.COMPLETE or order.completed_at is None:
        return None
    return order.completed_at + timedelta(days=order.organization.poll_days_after_completion)


def next_poll(order: Order, now: datetime, has_failed: bool = False) -> datetime | None:
    """When the order is polled next if nothing changes; None: not again. ``has_failed``: the poll that was
    just made got no answer."""
    base = timedelta(seconds=settings.POLL_INTERVAL_SECONDS)
    longest = 12 * base
    end = polled_until(order)
    if end is None or order.completed_at is None:
        # A quarter of the time since the last change.
        delay = min(max(base, (now - order.status_since) / 4), longest)
        return None if order.has_ended else now + delay
    if now < end:
        # A quarter of the time since the completion.
        return min(now + max(longest, min((now - order.completed_at) / 4, _LONGEST_AFTER_COMPLETION)), end)
    return now + longest if has_failed and now + longest <= end + GRACE else None


def next_poll_after_failure(order: Order, now: datetime) -> datetime | None:
    """The same after an unreadable answer, with backoff."""
    following = next_poll(order, now, has_failed=True)
    return following and max(following, now + backoff_delay(order.call_failures + 1))


def schedule_poll(order: Order, at: datetime | None) -> None:
    """Set the order's next poll; None: not again. The caller has locked the order and saves it."""
    schedule_call(order, PendingCall.POLL if at else PendingCall.NONE, at)


def resume(now: datetime) -> int:
    """Schedule polls for completed orders that have none although their period is not over: their
    organization has lengthened it, or an earlier version of the portal stopped polling. Returns how many."""
    resumed = 0
    for organization in Organization.objects.filter(poll_days_after_completion__gt=0).order_by("pk"):
        since = now - timedelta(days=organization.poll_days_after_completion)
        unpolled = Order.objects.filter(
            organization=organization,
            status=Status.COMPLETE,
            next_call=PendingCall.NONE,
            erased_at=None,
            completed_at__gt=since,
        ).exclude(justifacts_order_id="")
        for pk in list(unpolled.order_by("completed_at").values_list("pk", flat=True)[: BATCH - resumed]):
            resumed += _resume(pk, now)
    return resumed


def _resume(assessment_id: UUID, now: datetime) -> bool:
    with locked_order(assessment_id) as order:
        at = next_poll(order, now)
        if order.next_call != PendingCall.NONE or order.is_erased or at is None:
            return False
        # Spread the polls over the interval.
        share = (order.pk.int % 1000) / 1000
        schedule_poll(order, now + (at - now) * share)
    return True
