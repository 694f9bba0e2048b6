"""Polling: asking Justifacts for the status of orders that are on their way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments.models import AttentionTopic, Order, PendingCall
from assessments.orders.call import recording
from assessments.orders.transaction import clear_attention, is_flagged
from assessments.tracking.adopt import accept_order_number
from assessments.tracking.apply import StatusOutcome, apply_status, has_changes
from assessments.tracking.not_understood import record_unreadable_poll
from assessments.tracking.order_number import is_another_number, report_conflict
from integrations.failpoints import failpoint
from integrations.http.errors import CallFailed, NotUnderstood
from integrations.justifacts.client import Found
from integrations.models import Connection

from .bulk_status import Outcome, ask_each
from .poll_schedule import next_poll, next_poll_after_failure

#: Polled together, under one lease.
BATCH = 40
#: How a message came that answers a poll, in the words of the history.
POLLED = "when polled"


def poll(assessment_ids: Sequence[UUID]) -> list[UUID]:
    """Poll those of the orders that are due; returns the ids of those that changed.

    The answers that bring no news, most of them, are recorded in one transaction. Orders that Justifacts was
    not asked about, or did not answer for, stay as they were.
    """
    now = timezone.now()
    due = Order.objects.filter(next_call=PendingCall.POLL, next_attempt_at__lte=now)
    token = due.acquire(assessment_ids, now)
    if token is None:
        return []
    # In one order for all, so that two batches do not wait for each other's rows when they are recorded.
    rows = Order.objects.order_by("pk").select_related("organization__connection")
    orders = list(rows.filter(pk__in=assessment_ids).held(token))
    failpoint("poll.claimed")
    pairs = [pair for connection, of_one in _by_connection(orders) for pair in ask_each(connection, of_one)]
    failpoint("poll.called")
    news: list[tuple[Order, Outcome]] = []
    quiet: list[tuple[Order, Outcome]] = []
    for pair in pairs:
        (news if _has_news(*pair) else quiet).append(pair)
    _record_quiet(quiet, token)
    changed = [order.pk for order, outcome in news if _record_news(order, outcome, token)]
    unasked = Order.objects.filter(pk__in=[order.pk for order in orders]).held(token)
    if unasked.exists():
        unasked.release(token)
    failpoint("poll.committed")
    return changed


def _by_connection(orders: list[Order]) -> list[tuple[Connection, list[Order]]]:
    grouped: dict[int, list[Order]] = {}
    for order in orders:
        grouped.setdefault(order.organization_id, []).append(order)
    return [(of_one[0].organization.connection, of_one) for of_one in grouped.values()]


def _has_news(order: Order, outcome: Outcome) -> bool:
    if isinstance(outcome, NotUnderstood):
        return True
    if not isinstance(outcome, Found) or outcome.update is None:
        return False
    if is_another_number(order, outcome.justifacts_order_id) or is_flagged(order, AttentionTopic.POLL):
        return True
    return has_changes(order, outcome.update, POLLED, timezone.now())


@transaction.atomic
def _record_quiet(pairs: list[tuple[Order, Outcome]], token: UUID) -> None:
    now = timezone.now()
    for order, outcome in pairs:
        failed = isinstance(outcome, CallFailed)
        following = next_poll(order, now, failed)
        if isinstance(outcome, CallFailed) and outcome.retry_after and following:
            following = max(following, now + timedelta(seconds=min(outcome.retry_after, 24 * 60 * 60)))
        Order.objects.filter(pk=order.pk).held(token).update(
            lease_token=None,
            leased_until=None,
            **({} if failed else {"last_polled_at": now}),
            next_call=PendingCall.POLL if following else PendingCall.NONE,
            next_attempt_at=following,
            call_failures=order.call_failures + 1 if failed else 0,
            failing_since=(order.failing_since or now) if failed else None,
            last_call_error=outcome.message if isinstance(outcome, CallFailed) else "",
        )


def _record_news(asked: Order, outcome: Outcome, token: UUID) -> bool:
    now = timezone.now()
    moved, is_ours = False, True
    with recording(asked, token, "poll") as (order, is_held):
        if not is_held:
            return False
        order.release_lease()
        if order.has_ended and order.updated_since(asked):
            # A push or a person was faster: the answer may be older than what is known now, so ask again.
            order.next_attempt_at = now
            return False
        order.next_attempt_at = next_poll(order, now)
        order.next_call = PendingCall.POLL if order.next_attempt_at else PendingCall.NONE
        if isinstance(outcome, NotUnderstood):
            _count_not_understood(order, outcome, now)
            return False
        order.last_polled_at = now
        order.call_failures, order.failing_since, order.last_call_error = 0, None, ""
        clear_attention(order, AttentionTopic.POLL)
        if isinstance(outcome, Found):
            is_ours = accept_order_number(order, outcome.justifacts_order_id, POLLED, now)
            if is_ours and outcome.update is not None:
                moved = apply_status(order, outcome.update, POLLED, now) is StatusOutcome.APPLIED
    if not is_ours and isinstance(outcome, Found):
        report_conflict(asked, outcome.justifacts_order_id, POLLED)
    return moved


def _count_not_understood(order: Order, failure: NotUnderstood, now: datetime) -> None:
    """The poll has failed: the next one waits longer, and the order does not count as polled."""
    order.next_attempt_at = next_poll_after_failure(order, now)
    order.next_call = PendingCall.POLL if order.next_attempt_at else PendingCall.NONE
    order.call_failures += 1
    order.failing_since = order.failing_since or now
    order.last_call_error = failure.message
    record_unreadable_poll(order, failure, now)
