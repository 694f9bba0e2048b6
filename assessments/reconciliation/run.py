"""Reconciliation: compares each order that is in progress or ended recently with Justifacts and with the last
update that Ashby accepted, and checks packages and mapped jobs.

A discrepancy is fixed by the ordinary functions (a status is applied as after a poll, an update is written to
the outbox) or listed for review. An order about which Justifacts could not be asked is listed as not checked.
A second run right after the first finds nothing to fix.

A reconciliation runs in turns of a few seconds, so that one with many orders occupies no thread for long. It
resumes where it was if its worker dies: the discrepancies of an order are written in the transaction of its
changes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from assessments.models import Discrepancy, Order, Reconciliation
from assessments.orders.transaction import locked_order
from assessments.reconciliation.ashby import compare_with_ashby
from assessments.reconciliation.catalog import compare_catalog, unknown_references
from assessments.reconciliation.justifacts import compare_with_justifacts
from assessments.recovery import restore_missing_orders
from assessments.recovery_log.store import KEPT as RECOVERY_LOG_KEPT
from assessments.recovery_log.store import Unavailable
from assessments.statuses import ENDED
from assessments.tracking.bulk_status import ask_each
from integrations.connections.circuit_breaker import is_open
from integrations.connections.endpoints import Endpoint
from integrations.http.errors import CallFailed, NotSent
from integrations.justifacts.client import Found, OrderNotFound
from integrations.models import Connection, Organization
from integrations.redaction import mask, redact_text

#: The hour (UTC) at which the nightly run begins.
NIGHT_HOUR = 2
#: A reconciliation that has been due for this long without a worker is ended.
GIVEN_UP_AFTER = timedelta(minutes=30)
#: How long reports are kept.
KEPT = timedelta(days=90)
#: Orders that ended longer ago are not compared.
RECENT = timedelta(days=7)
#: The lease of a turn: longer than the slowest batch or list of jobs takes.
_LEASE = timedelta(minutes=5)
#: A reconciliation waits this long for blocked calls; if they are blocked for longer, the orders are not
#: checked.
_LONGEST_WAIT_SECONDS = 60
#: A reconciliation that takes longer is ended.
LONGEST = timedelta(hours=3)

_BLOCKED = NotSent("Calls to Justifacts are blocked at the moment.")


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
            _end(earlier, "It was interrupted, and no worker resumed it.")
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
    enabled = Organization.objects.filter(connection__is_enabled=True)
    connected = enabled.exclude(connection__verification_key_index=None)
    free = max(settings.RECONCILE_AT_ONCE - Reconciliation.objects.filter(ended_at=None).count(), 0)
    for organization in connected.exclude(pk__in=done).order_by("pk")[:free]:
        with suppress(NotNow):
            begin(organization, "the portal")


def organizations_due(now: datetime) -> list[int]:
    """The ids of unfinished reports that are due and not leased."""
    unended = Reconciliation.objects.not_leased(now).filter(ended_at=None, next_attempt_at__lte=now)
    return list(unended.order_by("next_attempt_at").values_list("pk", flat=True)[:50])


def delete_old_reports(now: datetime) -> None:
    """Delete reports older than ``KEPT``."""
    Reconciliation.objects.filter(started_at__lt=now - KEPT).delete()


class TakenOver(Exception):
    """The lease of this turn has expired, and another worker has taken over."""


def run_turn(report: Reconciliation) -> float | None:
    """Run one turn. Returns the seconds until the next turn may begin, or None if the caller has nothing more
    to do: the reconciliation has ended, or another worker continues it."""
    seconds = None
    unended = Reconciliation.objects.filter(ended_at=None)
    if unended.acquire([report.pk], timezone.now(), lasts=_LEASE):
        report.refresh_from_db()
        try:
            seconds = _turn(report)
        except TakenOver:
            seconds = None
        except (OperationalError, InterfaceError):
            # The database is unavailable: another worker continues once the lease has expired.
            raise
        except Exception as error:
            report.refresh_from_db()
            _end(report, f"It failed ({type(error).__name__}); see the portal's log.")
            raise
    report.refresh_from_db()
    return seconds


@transaction.atomic
def _end(report: Reconciliation, error: str) -> None:
    """End a reconciliation, with a line for each reason why orders could not be checked. ``error``: why it
    ended early, or empty. Raises ``TakenOver``."""
    for message, count in report.reasons.items():
        orders = "order" if count == 1 else "orders"
        _add(report, Discrepancy.Outcome.NOT_CHECKED, f"{count} {orders} could not be checked: {message}")
    report.not_checked += sum(count - 1 for count in report.reasons.values())
    report.ended_at, report.error, report.reasons = timezone.now(), error, {}
    _save(report, lease_token=None, leased_until=None)


def _turn(report: Reconciliation) -> float | None:
    until = time.monotonic() + settings.RECONCILE_TURN_SECONDS
    if timezone.now() - report.started_at > LONGEST:
        _end(report, "It took more than three hours, and was ended before everything was compared.")
        return None
    if report.cursor is None:
        _restore(report)
        _save(report)
    connection = Connection.objects.select_related("organization").get(organization=report.organization_id)
    for batch in _batches(report):
        seconds = _compare_batch(report, connection, batch)
        if seconds or time.monotonic() > until:
            next_attempt_at = timezone.now() + timedelta(seconds=seconds)
            _save(report, next_attempt_at=next_attempt_at, lease_token=None, leased_until=None)
            return seconds
    _compare_catalog_and_end(report, connection)
    return None


def _restore(report: Reconciliation) -> None:
    try:
        for order in restore_missing_orders(report.organization, report.started_at - RECOVERY_LOG_KEPT):
            text = "The portal had lost this order; it was restored, and is looked up at Justifacts."
            _add(report, Discrepancy.Outcome.RESOLVED, text, order)
    except Unavailable as error:
        text = f"The portal could not read its recovery log, so it did not look for lost orders: {error}."
        if not report.discrepancies.filter(text=text).exists():
            _add(report, Discrepancy.Outcome.NOT_CHECKED, text)


def _batches(report: Reconciliation) -> Iterator[Sequence[Order]]:
    """The orders by key, so that none is missed or compared twice if it changes meanwhile."""
    recent = ~Q(status__in=ENDED) | Q(status_since__gte=report.started_at - RECENT)
    orders = Order.objects.order_by("pk").filter(recent, organization=report.organization_id, erased_at=None)
    if report.cursor is not None:
        orders = orders.filter(pk__gt=report.cursor)
    keys = iter(list(orders.values_list("pk", flat=True)))
    while batch := list(islice(keys, settings.BATCH_SIZES["reconciliation"])):
        yield list(orders.select_related("organization", "package").filter(pk__in=batch))


def _compare_batch(report: Reconciliation, connection: Connection, orders: Sequence[Order]) -> float:
    """Compare a batch. Returns the seconds until blocked calls allow the rest of it; 0: the batch is done."""
    connection.refresh_from_db()
    answers = ask_each(connection, orders)
    for order, outcome in answers:
        _compare(report, order, outcome)
    unasked = orders[len(answers) :]
    if unasked and (seconds := _seconds_blocked(connection)):
        return seconds
    for order in unasked:
        _compare(report, order, _BLOCKED)
    return 0


def _seconds_blocked(connection: Connection) -> float:
    """The seconds until calls are allowed again; 0 if that takes too long or is unknown."""
    connection.refresh_from_db()
    if is_open(connection, Endpoint.JUSTIFACTS):
        return 0
    until = connection.justifacts_blocked_until or timezone.now()
    seconds = max((until - timezone.now()).total_seconds(), 1)
    return seconds if seconds <= _LONGEST_WAIT_SECONDS else 0


@transaction.atomic
def _compare(report: Reconciliation, asked: Order, outcome: Found | CallFailed) -> None:
    if isinstance(outcome, Found | OrderNotFound):
        report.orders_checked += 1
    else:
        message = redact_text(outcome.message, asked.personal_data)
        report.reasons[message] = report.reasons.get(message, 0) + 1
    with locked_order(asked.pk) as order:
        if not order.is_erased:
            lines = compare_with_justifacts(order, asked, outcome, timezone.now())
            for line in [*lines, *compare_with_ashby(order, timezone.now())]:
                _add(report, *line, asked)
    report.cursor = asked.pk
    _save(report)


def _compare_catalog_and_end(report: Reconciliation, connection: Connection) -> None:
    lines = [*compare_catalog(connection), *unknown_references(connection, timezone.now())]
    with transaction.atomic():
        for line in lines:
            _add(report, *line)
        _end(report, "")


def _add(report: Reconciliation, outcome: str, text: str, order: Order | None = None) -> None:
    text = mask(text, order.personal_data) if order else text
    Discrepancy.objects.create(reconciliation=report, outcome=outcome, text=text, order=order)
    setattr(report, outcome, getattr(report, outcome) + 1)


def _save(report: Reconciliation, **more: object) -> None:
    """Save the report if this turn still holds the lease. Raises ``TakenOver``, which rolls back the
    transaction."""
    names = ("orders_checked", "resolved", "needs_review", "not_checked", "cursor", "reasons")
    values = {name: getattr(report, name) for name in (*names, "ended_at", "error")}
    mine = Reconciliation.objects.filter(pk=report.pk, ended_at=None).held(report.lease_token)
    if not mine.update(**values, **more):
        raise TakenOver
