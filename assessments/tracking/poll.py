"""Polling: asking Justifacts for the status of orders, in batches."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments.models import AttentionTopic, Order, PendingCall
from assessments.orders.call import recording
from assessments.orders.transaction import clear_attention, is_flagged
from assessments.tracking.apply import StatusOutcome, apply_status, has_changes
from assessments.tracking.not_understood import record_unreadable_poll
from assessments.tracking.order_number import accept_order_number, is_another_number, report_conflict
from integrations.failpoints import failpoint
from integrations.http.errors import CallFailed, NotUnderstood
from integrations.justifacts.client import Found

from .bulk_status import Outcome, ask_each
from .poll_schedule import next_poll, next_poll_after_failure

#: Orders that are polled together, under one lease.
BATCH = 40
#: How the answer to a poll came, for the history.
POLLED = "when polled"


def poll(assessment_ids: Sequence[UUID]) -> list[UUID]:
    """Poll those of the orders that are due, and return the ids of those that changed.

    Most answers change nothing; they are recorded in one transaction. Orders that Justifacts was not asked
    about stay due.
    """
    now = timezone.now()
    due = Order.objects.filter(next_call=PendingCall.POLL, next_attempt_at__lte=now)
    token = due.acquire(assessment_ids, now)
    if token is None:
        return []
    # By key, so that two batches do not deadlock when they are recorded.
    rows = Order.objects.order_by("pk").select_related("organization__connection")
    orders = list(rows.filter(pk__in=assessment_ids).held(token))
    failpoint("poll.claimed")
    by_organization: dict[int, list[Order]] = {}
    for order in orders:
        by_organization.setdefault(order.organization_id, []).append(order)
    groups = by_organization.values()
    pairs = [pair for group in groups for pair in ask_each(group[0].organization.connection, group)]
    failpoint("poll.called")
    changes, repeats = list[tuple[Order, Outcome]](), list[tuple[Order, Outcome]]()
    for pair in pairs:
        (changes if _may_change(*pair) else repeats).append(pair)
    _record_repeats(repeats, token)
    changed = [order.pk for order, outcome in changes if _record_change(order, outcome, token)]
    if len(pairs) < len(orders):
        Order.objects.filter(pk__in=[order.pk for order in orders]).release(token)
    failpoint("poll.committed")
    return changed


def _may_change(order: Order, outcome: Outcome) -> bool:
    if isinstance(outcome, NotUnderstood):
        return True
    if not isinstance(outcome, Found) or outcome.update is None:
        return False
    if is_another_number(order, outcome.justifacts_order_id) or is_flagged(order, AttentionTopic.POLL):
        return True
    return has_changes(order, outcome.update, POLLED, timezone.now())


@transaction.atomic
def _record_repeats(pairs: list[tuple[Order, Outcome]], token: UUID) -> None:
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


def _record_change(asked: Order, outcome: Outcome, token: UUID) -> bool:
    now = timezone.now()
    is_applied, is_ours = False, True
    with recording(asked, token, "poll") as (order, is_held):
        if not is_held:
            return False
        order.release_lease()
        if order.has_ended and order.updated_since(asked):
            # A push or staff changed the order during the call, and the answer may be older: poll again.
            order.next_attempt_at = now
            return False
        next_at = next_poll_after_failure if isinstance(outcome, NotUnderstood) else next_poll
        order.next_attempt_at = next_at(order, now)
        order.next_call = PendingCall.POLL if order.next_attempt_at else PendingCall.NONE
        if isinstance(outcome, NotUnderstood):
            # The poll has failed: the next one waits longer, and the order does not count as polled.
            order.call_failures += 1
            order.failing_since = order.failing_since or now
            order.last_call_error = outcome.message
            record_unreadable_poll(order, outcome, now)
            return False
        order.last_polled_at = now
        order.call_failures, order.failing_since, order.last_call_error = 0, None, ""
        clear_attention(order, AttentionTopic.POLL)
        if isinstance(outcome, Found):
            is_ours = accept_order_number(order, outcome.justifacts_order_id, POLLED, now)
            if is_ours and outcome.update is not None:
                is_applied = apply_status(order, outcome.update, POLLED, now) is StatusOutcome.APPLIED
    if not is_ours and isinstance(outcome, Found):
        report_conflict(asked, outcome.justifacts_order_id, POLLED)
    return is_applied
