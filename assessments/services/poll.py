"""Asking Justifacts for the status of many orders at a time."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments.models import NextCall, Order
from assessments.models.claims import claim_end
from integrations.connections import justifacts_client, note_justifacts
from integrations.crash_points import reach
from integrations.errors import CallFailed
from integrations.justifacts.client import Found, JustifactsClient

from .changing import changing
from .track import apply_word, is_news, next_poll

#: Two rounds of the threads: even if each call takes its longest, the batch ends before its claim.
BATCH = 40
_THREADS = 20


def poll(assessment_ids: Sequence[UUID]) -> list[UUID]:
    """Polls those of the orders that are due; returns the ids of those that changed.

    The calls run side by side in threads that touch no database; what they brought is recorded
    here: in one transaction for the many that bring no news.
    """
    token, orders = _claim(assessment_ids)
    reach("poll.claimed")
    clients: dict[int, JustifactsClient | CallFailed] = {}
    for order in orders:
        connection = order.organization.connection
        if connection.pk not in clients:
            try:
                clients[connection.pk] = justifacts_client(connection)
            except CallFailed as error:
                clients[connection.pk] = error
    outcomes = list(_pool().map(lambda order: _ask(clients[order.organization.connection.pk], order), orders))
    reach("poll.called")
    pairs = list(zip(orders, outcomes, strict=True))
    _record_quiet([pair for pair in pairs if not _has_news(*pair)], token)
    changed = [
        order.pk
        for order, outcome in pairs
        if isinstance(outcome, Found) and _has_news(order, outcome) and _record_news(order, outcome, token)
    ]
    reach("poll.committed")
    _note_health(pairs)
    return changed


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Kept for the life of the process, so that each thread keeps its connections.
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="poll")


def _claim(assessment_ids: Sequence[UUID]) -> tuple[UUID, list[Order]]:
    now, token = timezone.now(), uuid.uuid4()
    Order.objects.filter(pk__in=assessment_ids, next_call=NextCall.POLL, next_call_at__lte=now).unclaimed(
        now
    ).update(claim_token=token, claimed_until=claim_end(now))
    orders = Order.objects.select_related("organization__connection").filter(
        pk__in=assessment_ids, claim_token=token
    )
    return token, list(orders)


def _ask(client: JustifactsClient | CallFailed, order: Order) -> Found | CallFailed:
    if isinstance(client, CallFailed):
        return client
    try:
        if order.justifacts_order_id:
            return client.status(justifacts_order_id=order.justifacts_order_id)
        return client.status(reference_id=str(order.pk))
    except CallFailed as error:
        return error


def _has_news(order: Order, outcome: Found | CallFailed) -> bool:
    return isinstance(outcome, Found) and outcome.word is not None and is_news(order, outcome.word)


def _note_health(pairs: list[tuple[Order, Found | CallFailed]]) -> None:
    """Each connection by the last of its answers."""
    last = {order.organization_id: (order, outcome) for order, outcome in pairs}
    for order, outcome in last.values():
        failure = outcome if isinstance(outcome, CallFailed) else None
        note_justifacts(order.organization.connection, failure, timezone.now(), hide=order.personal_data)


@transaction.atomic
def _record_quiet(pairs: list[tuple[Order, Found | CallFailed]], token: UUID) -> None:
    now = timezone.now()
    for order, outcome in pairs:
        following = next_poll(order, now)
        failed = isinstance(outcome, CallFailed)
        if isinstance(outcome, CallFailed) and outcome.retry_after and following:
            following = max(following, now + timedelta(seconds=min(outcome.retry_after, 24 * 60 * 60)))
        Order.objects.filter(pk=order.pk, claim_token=token).update(
            claim_token=None,
            claimed_until=None,
            polled_at=now,
            next_call=NextCall.POLL if following else NextCall.NONE,
            next_call_at=following,
            call_failures=order.call_failures + 1 if failed else 0,
            call_failing_since=(order.call_failing_since or now) if failed else None,
            call_error=outcome.message if isinstance(outcome, CallFailed) else "",
        )


def _record_news(order: Order, found: Found, token: UUID) -> bool:
    now = timezone.now()
    with changing(order.pk) as order:
        if order.claim_token != token or found.word is None:
            return False
        order.polled_at = now
        order.call_failures, order.call_failing_since, order.call_error = 0, None, ""
        order.release()
        order.next_call_at = next_poll(order, now)
        order.next_call = NextCall.POLL if order.next_call_at else NextCall.NONE
        moved = apply_word(order, found.word, "when polled", now)
        reach("poll.before_commit")
        return moved
