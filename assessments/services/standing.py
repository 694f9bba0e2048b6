"""Which orders stand still: longer in a status than is usual."""

from datetime import datetime, timedelta

from django.db.models import Q

from assessments.statuses import Status

#: How long an order may stay in a status before somebody should look at it.
LIMITS = {
    Status.ACCEPTED: timedelta(minutes=15),
    Status.RECEIVED: timedelta(days=3),
    Status.APPLICANT_STARTED: timedelta(days=7),
}
#: Courts and employers answer on working days.
BUSINESS_DAY_LIMITS = {Status.IN_PROCESS: 10}

_SATURDAY = 5


def standing_still(now: datetime) -> Q:
    """Orders that have been in their status for longer than its limit."""
    found = Q()
    for status, limit in LIMITS.items():
        found |= Q(status=status, status_since__lt=now - limit)
    for status, days in BUSINESS_DAY_LIMITS.items():
        found |= Q(status=status, status_since__lt=business_days_before(now, days))
    return found


def business_days_before(moment: datetime, days: int) -> datetime:
    """So many working days earlier, at the same time of day. A weekend counts as the end of its Friday."""
    while moment.weekday() >= _SATURDAY:
        moment = (moment - timedelta(days=1)).replace(hour=23, minute=59, second=59)
    while days:
        moment -= timedelta(days=1)
        days -= moment.weekday() < _SATURDAY
    return moment
