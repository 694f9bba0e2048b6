"""Reconciliation: what Justifacts says, what Ashby last took, and what the portal believes, compared for
each open or recently ended order, with the packages and the mapped jobs.

A difference is resolved by the ordinary services (a word as a poll would bring it, an update as the change
would have written it) or listed for a human. Who cannot be asked is listed as not checked: silence is
no difference. A second run right after the first finds nothing to mend.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import Reconciliation
from assessments.reconciliation.batches import TakenOver, end, go_on
from integrations.models import Connection, Organization

#: When the night begins (UTC), and how many organizations are compared at a time.
NIGHT_HOUR, AT_A_TIME = 2, 5
#: One with which nobody has gone on for so long, although it was due, is given up.
GIVEN_UP_AFTER = timedelta(minutes=30)
#: Reports are kept for so long.
KEPT = timedelta(days=90)


class NotNow(Exception):
    """No reconciliation can begin; the text says why."""


class AlreadyRunning(NotNow):
    """A reconciliation of this organization has not ended yet."""


def reconcile_now(
    organization: Organization, requested_by: str, wait: Callable[[float], None] = time.sleep
) -> Reconciliation:
    """Compares everything and mends what can be resolved; the report. Where calls have to rest, ``wait`` is
    called with the seconds. Raises ``NotNow``."""
    report = begin(organization, requested_by)
    while report.ended_at is None:
        seconds = go_on(report)
        if report.ended_at is None:
            # None: a worker has taken the turn, as it takes what is due.
            wait(1 if seconds is None else seconds)
    return report


def begin(organization: Organization, requested_by: str) -> Reconciliation:
    """A report that has begun; ``go_on`` does the rest, in turns. Raises ``NotNow``."""
    now = timezone.now()
    if not Connection.objects.filter(organization=organization, is_enabled=True).exists():
        raise NotNow(f"The connection of {organization} is switched off.")
    unended = Reconciliation.objects.filter(organization=organization, ended_at=None)
    for earlier in unended.not_leased(now).filter(next_attempt_at__lte=now - GIVEN_UP_AFTER):
        with suppress(TakenOver):
            end(earlier, "It was interrupted, and no worker went on with it.")
    try:
        with transaction.atomic():
            return Reconciliation.objects.create(
                organization=organization, requested_by=requested_by, started_at=now, next_attempt_at=now
            )
    except IntegrityError:
        raise AlreadyRunning(f"A reconciliation of {organization} is running already.") from None


def begin_nightly(now: datetime) -> None:
    """Begins with the next organizations that have no report yet since this night's hour: a few at a
    time, so that a worker's threads are there for others."""
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    if now < night:
        night -= timedelta(days=1)
    done = Reconciliation.objects.filter(started_at__gte=night).values("organization")
    connected = Organization.objects.filter(connection__is_enabled=True).exclude(
        connection__verification_key_index=None
    )
    free = max(AT_A_TIME - Reconciliation.objects.filter(ended_at=None).count(), 0)
    for organization in connected.exclude(pk__in=done).order_by("pk")[:free]:
        with suppress(NotNow):
            begin(organization, "the portal")


def organizations_due(now: datetime) -> list[int]:
    """Reports with which nobody goes on at the moment, and somebody may."""
    unended = Reconciliation.objects.not_leased(now).filter(ended_at=None, next_attempt_at__lte=now)
    return list(unended.order_by("next_attempt_at").values_list("pk", flat=True)[:50])


def delete_old_reports(now: datetime) -> int:
    """Reports that are older than 90 days go."""
    return Reconciliation.objects.filter(started_at__lt=now - KEPT).delete()[0]
