"""Reconciliation: compares each order that is in progress or ended recently with Justifacts and with the last
update that Ashby accepted, and checks packages and mapped jobs.

A discrepancy is fixed by the ordinary functions (a status is applied as after a poll, an update is written to
the outbox) or listed for review. An order about which Justifacts could not be asked is listed as not checked.
A second run right after the first finds nothing to fix.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from assessments.models import Reconciliation
from assessments.reconciliation.batches import TakenOver, end, run_turn
from integrations.models import Connection, Organization

#: The hour (UTC) at which the nightly run begins.
NIGHT_HOUR = 2
#: A reconciliation that has been due for this long without a worker is ended.
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
    """Run a whole reconciliation, and return its report. ``wait`` is called with the seconds between turns.
    Raises ``NotNow``."""
    report = begin(organization, requested_by)
    while report.ended_at is None:
        seconds = run_turn(report)
        if report.ended_at is None:
            # None: another worker runs the next turn.
            wait(1 if seconds is None else seconds)
    return report


def begin(organization: Organization, requested_by: str) -> Reconciliation:
    """Create the report; ``run_turn`` does the work. Raises ``NotNow``."""
    now = timezone.now()
    if not Connection.objects.filter(organization=organization, is_enabled=True).exists():
        raise NotNow(f"The connection of {organization} is switched off.")
    unended = Reconciliation.objects.filter(organization=organization, ended_at=None)
    for earlier in unended.not_leased(now).filter(next_attempt_at__lte=now - GIVEN_UP_AFTER):
        with suppress(TakenOver):
            end(earlier, "It was interrupted, and no worker resumed it.")
    try:
        with transaction.atomic():
            return Reconciliation.objects.create(
                organization=organization, requested_by=requested_by, started_at=now, next_attempt_at=now
            )
    except IntegrityError:
        raise AlreadyRunning(f"A reconciliation of {organization} is running already.") from None


def begin_nightly(now: datetime) -> None:
    """Begin reconciliations of organizations that have had none since ``NIGHT_HOUR``, a few at a time, so
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
    """Delete reports older than ``KEPT``. Returns how many."""
    return Reconciliation.objects.filter(started_at__lt=now - KEPT).delete()[0]
