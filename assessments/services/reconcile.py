"""Reconciliation: what Justifacts says, what Ashby last took, and what the portal believes, compared for
each open or recently ended order, with the packages and the mapped jobs.

A difference is mended by the ordinary services (a word as a poll would bring it, an update as the change
would have written it) or listed for a human. Who cannot be asked is listed as not checked: silence is
no difference. A second run right after the first finds nothing to mend.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from assessments.models import Difference, Order, Reconciliation
from assessments.statuses import ENDED
from integrations.errors import CallFailed
from integrations.models import Connection, Organization

from .journal import KEPT as JOURNAL_KEPT
from .journal import make_again
from .poll import BATCH, ask_each
from .reconcile_ashby import compare_with_ashby
from .reconcile_catalogue import compare_catalogue, unknown_references
from .reconcile_justifacts import compare_with_justifacts

#: Orders that ended so long ago are compared no more.
RECENT = timedelta(days=7)
#: When the night begins (UTC), and how many organizations are begun with at a time.
NIGHT_HOUR, AT_A_TIME = 2, 10
#: Reports are kept for so long.
KEPT = timedelta(days=90)


class AlreadyRunning(Exception):
    """A reconciliation of this organization has not ended yet."""


def reconcile(organization: Organization, asked_by: str) -> Reconciliation:
    """Compares everything and mends what can be mended; the report. Raises ``AlreadyRunning``."""
    report = begin(organization, asked_by)
    return go_on(report)


def begin(organization: Organization, asked_by: str) -> Reconciliation:
    """A report that has begun; ``go_on`` does the rest. Raises ``AlreadyRunning``."""
    now = timezone.now()
    for earlier in Reconciliation.objects.filter(organization=organization, ended_at=None):
        if earlier.was_interrupted(now):
            _end(earlier, "It was interrupted: the process that ran it died.")
    try:
        with transaction.atomic():
            return Reconciliation.objects.create(organization=organization, asked_by=asked_by, started_at=now)
    except IntegrityError:
        raise AlreadyRunning(f"A reconciliation of {organization} is running already.") from None


def go_on(report: Reconciliation) -> Reconciliation:
    """Runs the reconciliation to its end; where somebody else runs it, nothing."""
    mine = Reconciliation.objects.filter(pk=report.pk, is_running=False, ended_at=None)
    if not mine.update(is_running=True):
        return report
    connection = Connection.objects.select_related("organization").get(organization=report.organization_id)
    for order in make_again(connection.organization, report.started_at - JOURNAL_KEPT):
        text = "The portal had forgotten this order; it was made again, and Justifacts is asked for it."
        _write(report, Difference.Outcome.MENDED, text, order=order)
    orders = _to_compare(report.organization_id, report.started_at)
    for batch in _batches(orders):
        _compare_batch(report, connection, batch)
    for outcome, text in (*compare_catalogue(connection), *unknown_references(connection, report.started_at)):
        _write(report, outcome, text)
    _end(report, "")
    return report


def begin_nightly(now: datetime) -> list[Reconciliation]:
    """Begins the reports of a few organizations that have none yet since this night's hour."""
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    if now < night:
        night -= timedelta(days=1)
    done = Reconciliation.objects.filter(started_at__gte=night, error="").values("organization")
    connected = Organization.objects.filter(connection__is_enabled=True).exclude(
        connection__verification_key_index=None
    )
    begun = []
    for organization in connected.exclude(pk__in=done).order_by("pk")[:AT_A_TIME]:
        with suppress(AlreadyRunning):
            begun.append(begin(organization, "the portal"))
    return begun


def forget_old_reports(now: datetime) -> int:
    """Reports that are older than 90 days go."""
    return Reconciliation.objects.filter(started_at__lt=now - KEPT).delete()[0]


def _to_compare(organization_id: int, now: datetime) -> QuerySet[Order]:
    recent = ~Q(status__in=ENDED) | Q(status_since__gte=now - RECENT)
    return Order.objects.order_by("pk").filter(recent, organization=organization_id)


def _batches(orders: QuerySet[Order]) -> Iterator[Sequence[Order]]:
    """By key, so that orders that change meanwhile are neither missed nor met twice."""
    keys = iter(list(orders.values_list("pk", flat=True)))
    while batch := list(islice(keys, BATCH)):
        yield list(Order.objects.select_related("organization__connection", "package").filter(pk__in=batch))


def _compare_batch(report: Reconciliation, connection: Connection, orders: Sequence[Order]) -> None:
    connection.refresh_from_db()
    answers = ask_each(connection, orders)
    failures = {"calls to Justifacts rest for the moment": len(orders) - len(answers)}
    for order, outcome in answers:
        if isinstance(outcome, CallFailed) and outcome.outcome != "refused":
            failures[outcome.message] = failures.get(outcome.message, 0) + 1
            continue
        report.orders_checked += 1
        for what in compare_with_justifacts(order.pk, outcome):
            _write(report, *what, order=order)
        for what in compare_with_ashby(order.pk):
            _write(report, *what, order=order)
    for message, count in failures.items():
        if count:
            _write(report, Difference.Outcome.NOT_CHECKED, f"{count} orders could not be checked: {message}")
            report.not_checked += count - 1
    report.save()


def _write(report: Reconciliation, outcome: str, text: str, order: Order | None = None) -> None:
    Difference.objects.create(reconciliation=report, outcome=outcome, text=text, order=order)
    setattr(report, outcome, getattr(report, outcome) + 1)


def _end(report: Reconciliation, error: str) -> None:
    report.ended_at, report.error, report.is_running = timezone.now(), error, False
    report.save()
