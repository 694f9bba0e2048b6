"""Reconciliation: compares, for each open or recently ended order, what Justifacts says, what Ashby last
accepted and what the portal knows; and checks the packages and the mapped jobs.

A discrepancy is fixed by the ordinary services (a status is applied as after a poll, an update is written as
with the change itself) or listed for review. What could not be asked is listed as not checked: silence is no
discrepancy. A second run right after the first finds nothing to fix.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import Reconciliation
from assessments.reconciliation.batches import TakenOver, end, go_on
from integrations.models import Connection, Organization

#: The hour (UTC) at which the nightly run begins.
NIGHT_HOUR = 2
#: A reconciliation that was due for this long, and that no worker resumed, is ended.
GIVEN_UP_AFTER = timedelta(minutes=30)
#: How long reports are kept.
KEPT = timedelta(days=90)


class NotNow(Exception):
    """No reconciliation can begin; the message says why."""


class AlreadyRunning(NotNow):
    """A reconciliation of this organization has not ended yet."""


def reconcile_now(
    organization: Organization, requested_by: str, wait: Callable[[float], None] = time.sleep
) -> Reconciliation:
    """Compares everything, fixes what can be fixed, and returns the report. While calls are blocked, ``wait``
    is called with the seconds to wait. Raises ``NotNow``."""
    report = begin(organization, requested_by)
    while report.ended_at is None:
        seconds = go_on(report)
        if report.ended_at is None:
            # None: a worker runs the next batches, as the reconciliation was due.
            wait(1 if seconds is None else seconds)
    return report


def begin(organization: Organization, requested_by: str) -> Reconciliation:
    """Creates the report; ``go_on`` does the work, a few seconds at a time. Raises ``NotNow``."""
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
    """Begins reconciliations of organizations that have none since this night's hour: a few at a time, so
    that a worker's threads stay available for other work."""
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    if now < night:
        night -= timedelta(days=1)
    done = Reconciliation.objects.filter(started_at__gte=night).values("organization")
    connected = Organization.objects.filter(connection__is_enabled=True).exclude(
        connection__verification_key_index=None
    )
    free = max(settings.RECONCILE_AT_ONCE - Reconciliation.objects.filter(ended_at=None).count(), 0)
    for organization in connected.exclude(pk__in=done).order_by("pk")[:free]:
        with suppress(NotNow):
            begin(organization, "the portal")


def organizations_due(now: datetime) -> list[int]:
    """The ids of unfinished reports that are due and not leased."""
    unended = Reconciliation.objects.not_leased(now).filter(ended_at=None, next_attempt_at__lte=now)
    return list(unended.order_by("next_attempt_at").values_list("pk", flat=True)[:50])


def delete_old_reports(now: datetime) -> int:
    """Deletes reports older than ``KEPT``; returns how many."""
    return Reconciliation.objects.filter(started_at__lt=now - KEPT).delete()[0]
