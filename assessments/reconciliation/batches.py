"""A reconciliation runs in turns of a few seconds, so that one with many orders occupies no thread for long,
and one whose worker died resumes where it was: the result for an order is written together with its changes.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from assessments.models import Discrepancy, Order, Reconciliation
from assessments.orders.transaction import locked_order
from assessments.reconciliation.ashby import compare_with_ashby
from assessments.reconciliation.catalog import compare_catalog, unknown_references
from assessments.reconciliation.justifacts import compare_with_justifacts
from assessments.recovery import restore_missing_orders
from assessments.recovery_log import KEPT as RECOVERY_LOG_KEPT
from assessments.statuses import ENDED
from assessments.tracking.bulk_status import ask_each
from integrations.connections.circuit_breaker import is_open
from integrations.connections.endpoints import Endpoint
from integrations.http.errors import CallFailed, NotSent
from integrations.justifacts.client import Found, OrderNotFound
from integrations.models import Connection
from integrations.redaction import mask, redact_text

#: Orders that ended so long ago are compared no more.
RECENT = timedelta(days=7)
#: How long a turn's lease lasts: longer than the slowest batch, or list of jobs, takes.
_TURN_IS_DEAD_AFTER = timedelta(minutes=5)
#: A rest of Justifacts' calls is waited for so long; where it is longer, its orders are not checked.
_PATIENCE_SECONDS = 60
#: A reconciliation that takes longer is ended where it is.
LONGEST = timedelta(hours=3)

_RESTING = NotSent("Calls to Justifacts rest for the moment.")


class TakenOver(Exception):
    """This turn's lease has expired, and another worker has taken over."""


def go_on(report: Reconciliation) -> float | None:
    """One turn. How many seconds later the next one may begin; None where there is nothing more to do for
    the caller: it has ended, or somebody else goes on with it."""
    seconds = None
    unended = Reconciliation.objects.filter(ended_at=None)
    if unended.acquire([report.pk], timezone.now(), lasts=_TURN_IS_DEAD_AFTER):
        report.refresh_from_db()
        try:
            seconds = _turn(report)
        except TakenOver:
            seconds = None
        except (OperationalError, InterfaceError):
            # The database is away: when the lease has expired another worker goes on.
            raise
        except Exception as error:
            report.refresh_from_db()
            end(report, f"It broke off ({type(error).__name__}): the portal's log says where.")
            raise
    report.refresh_from_db()
    return seconds


@transaction.atomic
def end(report: Reconciliation, error: str) -> None:
    """Ends it as it is, with a line for each reason for which orders could not be checked."""
    for message, count in report.reasons.items():
        orders = "order" if count == 1 else "orders"
        _add(report, Discrepancy.Outcome.NOT_CHECKED, f"{count} {orders} could not be checked: {message}")
    report.not_checked += sum(count - 1 for count in report.reasons.values())
    report.ended_at, report.error, report.reasons = timezone.now(), error, {}
    _save(report, lease_token=None, leased_until=None)


def _turn(report: Reconciliation) -> float | None:
    until = time.monotonic() + settings.RECONCILE_TURN_SECONDS
    if timezone.now() - report.started_at > LONGEST:
        end(report, "It took more than three hours, and was ended before all was compared.")
        return None
    if report.cursor is None:
        _make_again(report)
    connection = Connection.objects.select_related("organization").get(organization=report.organization_id)
    for batch in _batches(report):
        seconds = _compare_batch(report, connection, batch)
        if seconds or time.monotonic() > until:
            next_attempt_at = timezone.now() + timedelta(seconds=seconds)
            _save(report, next_attempt_at=next_attempt_at, lease_token=None, leased_until=None)
            return seconds
    _compare_the_rest(report, connection)
    return None


def _make_again(report: Reconciliation) -> None:
    for order in restore_missing_orders(report.organization, report.started_at - RECOVERY_LOG_KEPT):
        text = "The portal had forgotten this order; it was made again, and Justifacts is asked for it."
        _add(report, Discrepancy.Outcome.RESOLVED, text, order)
    _save(report)


def _batches(report: Reconciliation) -> Iterator[Sequence[Order]]:
    """By key, so that orders that change meanwhile are neither missed nor met twice."""
    recent = ~Q(status__in=ENDED) | Q(status_since__gte=report.started_at - RECENT)
    orders = Order.objects.order_by("pk").filter(recent, organization=report.organization_id, erased_at=None)
    if report.cursor is not None:
        orders = orders.filter(pk__gt=report.cursor)
    keys = iter(list(orders.values_list("pk", flat=True)))
    while batch := list(islice(keys, settings.BATCH_SIZES["reconciliation"])):
        yield list(orders.select_related("organization", "package").filter(pk__in=batch))


def _compare_batch(report: Reconciliation, connection: Connection, orders: Sequence[Order]) -> float:
    """For how many seconds calls have to rest before the batch can be gone on with; 0: it is done."""
    connection.refresh_from_db()
    answers = ask_each(connection, orders)
    for order, outcome in answers:
        _compare(report, order, outcome)
    unasked = orders[len(answers) :]
    if unasked and (seconds := _rest_of(connection)):
        return seconds
    for order in unasked:
        _compare(report, order, _RESTING)
    return 0


def _rest_of(connection: Connection) -> float:
    """How long to wait until the rest of a batch can be asked about; 0: too long, or nobody knows."""
    connection.refresh_from_db()
    if is_open(connection, Endpoint.JUSTIFACTS):
        return 0
    until = connection.justifacts_blocked_until or timezone.now()
    seconds = max((until - timezone.now()).total_seconds(), 1)
    return seconds if seconds <= _PATIENCE_SECONDS else 0


@transaction.atomic
def _compare(report: Reconciliation, asked: Order, outcome: Found | CallFailed) -> None:
    if isinstance(outcome, Found | OrderNotFound):
        report.orders_checked += 1
    else:
        message = redact_text(outcome.message, asked.personal_data)
        report.reasons[message] = report.reasons.get(message, 0) + 1
    found: list[tuple[str, str]] = []
    with locked_order(asked.pk) as order:
        if not order.is_erased:
            found += compare_with_justifacts(order, asked, outcome, timezone.now())
            found += compare_with_ashby(order, timezone.now())
    for line in found:
        _add(report, *line, asked)
    report.cursor = asked.pk
    _save(report)


def _compare_the_rest(report: Reconciliation, connection: Connection) -> None:
    lines = [*compare_catalog(connection), *unknown_references(connection, timezone.now())]
    with transaction.atomic():
        for line in lines:
            _add(report, *line)
        end(report, "")


def _add(report: Reconciliation, outcome: str, text: str, order: Order | None = None) -> None:
    text = mask(text, order.personal_data) if order else text
    Discrepancy.objects.create(reconciliation=report, outcome=outcome, text=text, order=order)
    setattr(report, outcome, getattr(report, outcome) + 1)


def _save(report: Reconciliation, **more: object) -> None:
    """Raises ``TakenOver``, which takes back what was done in the same transaction."""
    names = ("orders_checked", "resolved", "needs_review", "not_checked", "cursor", "reasons")
    facts = {name: getattr(report, name) for name in (*names, "ended_at", "error")}
    mine = Reconciliation.objects.filter(pk=report.pk, ended_at=None).held(report.lease_token)
    if not mine.update(**facts, **more):
        raise TakenOver
