"""Asking Justifacts for the status of many orders at a time."""

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assessments.models import AttentionTopic, Order, PendingCall
from assessments.models.leases import lease_end
from assessments.orders.backoff import backoff_delay
from assessments.orders.transaction import clear_attention, is_flagged, locked_order
from assessments.tracking.apply import apply_status, has_changes, note_provider_order
from assessments.tracking.not_understood import note_failed_poll
from assessments.tracking.order_number import is_another_number, report_conflict
from assessments.tracking.poll_schedule import next_poll
from integrations.connections.circuit_breaker import allow_request, is_open
from integrations.connections.clients import justifacts_client
from integrations.connections.health import record_call_result
from integrations.endpoints import Endpoint
from integrations.failpoints import failpoint
from integrations.http.errors import (
    BudgetSpent,
    CallFailed,
    NotUnderstood,
    Refused,
    ServerError,
    Unauthorized,
    UnclearRefusal,
)
from integrations.http.excerpts import excerpt
from integrations.justifacts.client import Found, JustifactsClient, OrderNotFound
from integrations.models import Connection

#: Polled together, under one claim.
BATCH = 40
#: So many calls at a time for one organization: one whose Justifacts hangs leaves threads to the others.
_AT_A_TIME = 8
_THREADS = 64
#: How a message came that answers a poll, in the words of the history.
POLLED = "when polled"
#: After so many failures in a row the rest of a batch is not asked.
_GIVE_UP_AFTER = 3
#: A problem with the answers about one order outlasts that order's next poll by this.
_UNTIL_ASKED_AGAIN = timedelta(minutes=2)

_Outcome = Found | CallFailed


def poll(assessment_ids: Sequence[UUID]) -> list[UUID]:
    """Polls those of the orders that are due; returns the ids of those that changed.

    The calls run side by side in threads that touch no database; what they brought is recorded
    here: in one transaction for the many that bring no news. Where Justifacts does not answer, the
    rest of the orders is left as it was.
    """
    token, orders = _claim(assessment_ids)
    failpoint("poll.claimed")
    pairs: list[tuple[Order, _Outcome]] = []
    for connection, of_one in _by_connection(orders):
        pairs += ask_each(connection, of_one)
    failpoint("poll.called")
    _record_unchanged([pair for pair in pairs if not _has_changes(*pair)], token)
    changed = [
        order.pk
        for order, outcome in pairs
        if _has_changes(order, outcome) and _record_changes(order, outcome, token)
    ]
    _give_back(orders, token)
    failpoint("poll.committed")
    return changed


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Kept for the life of the process, so that each thread keeps its connections.
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="poll")


def _by_connection(orders: list[Order]) -> list[tuple[Connection, list[Order]]]:
    grouped: dict[int, list[Order]] = {}
    for order in orders:
        grouped.setdefault(order.organization_id, []).append(order)
    return [(of_one[0].organization.connection, of_one) for of_one in grouped.values()]


def ask_each(connection: Connection, orders: Sequence[Order]) -> list[tuple[Order, _Outcome]]:
    """What Justifacts says of orders of one connection; of those that it was not asked about (its calls
    rest, its budget is spent, one answer after the other failed), nothing."""
    if not allow_request(connection, Endpoint.JUSTIFACTS, timezone.now()):
        return []
    try:
        client = justifacts_client(connection)
        orders = orders[: client.reserve(len(orders))]
    except CallFailed as error:
        _note_health(connection, [(orders[0], error)])
        return [] if isinstance(error, BudgetSpent) else [(order, error) for order in orders]
    at_a_time = 1 if is_open(connection, Endpoint.JUSTIFACTS) else _AT_A_TIME
    # The threads that ask have no business with the database.
    used: set[int] = set()
    pairs = list(_asked(replace(client, note_use=used.add), orders, at_a_time))
    for position in used:
        client.note_use(position)
    _note_health(connection, pairs)
    return pairs


def _asked(
    client: JustifactsClient, orders: Sequence[Order], at_a_time: int
) -> Iterator[tuple[Order, _Outcome]]:
    """In their order, ``at_a_time`` in flight; ends early where one answer after the other fails."""
    waiting: deque[tuple[Order, Future[_Outcome]]] = deque()
    remaining, failures = iter(orders), 0
    while True:
        while len(waiting) < at_a_time and failures < (_GIVE_UP_AFTER if at_a_time > 1 else 1):
            order = next(remaining, None)
            if order is None:
                break
            waiting.append((order, _pool().submit(_ask, client, order)))
        if not waiting:
            return
        order, future = waiting.popleft()
        outcome = future.result()
        failed = isinstance(outcome, CallFailed) and not isinstance(outcome, Refused | NotUnderstood)
        failures = failures + 1 if failed else 0
        yield order, outcome


def _claim(assessment_ids: Sequence[UUID]) -> tuple[UUID, list[Order]]:
    now, token = timezone.now(), uuid.uuid4()
    Order.objects.filter(
        pk__in=assessment_ids, next_call=PendingCall.POLL, next_attempt_at__lte=now
    ).not_leased(now).update(lease_token=token, leased_until=lease_end(now))
    # In one order for all, so that two batches do not wait for each other's rows when they are recorded.
    orders = Order.objects.order_by("pk").select_related("organization__connection")
    return token, list(orders.filter(pk__in=assessment_ids, lease_token=token))


def _ask(client: JustifactsClient, order: Order) -> _Outcome:
    hide = order.personal_data
    number, reference = order.justifacts_order_id, str(order.pk)
    if not number:
        outcome = _outcome_of(lambda: client.status(reference_id=reference, hide=hide, is_reserved=True))
    else:
        outcome = _outcome_of(
            lambda: client.status(
                justifacts_order_id=number, expected_reference=reference, hide=hide, is_reserved=True
            )
        )
        if isinstance(outcome, OrderNotFound):
            # Justifacts may have given the order another number.
            by_reference = _outcome_of(lambda: client.status(reference_id=reference, hide=hide))
            outcome = by_reference if isinstance(by_reference, Found | NotUnderstood) else outcome
    if not isinstance(outcome, CallFailed) or (order.has_ended and isinstance(outcome, Refused)):
        # Justifacts may well say no more of a check that is over.
        return outcome
    return _as_not_understood(outcome, hide, (client.key, *client.others))


def _outcome_of(ask: Callable[[], Found]) -> _Outcome:
    try:
        found = ask()
    except CallFailed as error:
        return error
    return found.not_understood or found


def _as_not_understood(failure: CallFailed, hide: Iterable[str], secrets: Iterable[str]) -> CallFailed:
    """An error in place of a status says nothing that the portal can use, unless it says that there is no
    such order. What speaks of the server or of the key stays what it is: it is about every order."""
    is_about_all = isinstance(failure, OrderNotFound | Unauthorized | ServerError)
    if is_about_all or not isinstance(failure, Refused | UnclearRefusal):
        return failure
    quoted = excerpt(failure.answer.body, hide, secrets)
    said = f"Justifacts answered the question for the status with an error: {failure.message}"
    return NotUnderstood(said, excerpt=quoted, answer=failure.answer)


def _has_changes(order: Order, outcome: _Outcome) -> bool:
    if isinstance(outcome, NotUnderstood):
        return True
    if not isinstance(outcome, Found) or outcome.word is None:
        return False
    if is_another_number(order, outcome.justifacts_order_id) or is_flagged(order, AttentionTopic.POLL):
        return True
    return has_changes(order, outcome.word, POLLED, timezone.now())


def _note_health(connection: Connection, pairs: Sequence[tuple[Order, _Outcome]]) -> None:
    """By the last answer; where there was none, each failure counts. An answer that cannot be read is a
    problem until the order that it is about was asked for again, whatever other answers say."""
    now = timezone.now()
    pairs = sorted(pairs, key=lambda pair: isinstance(pair[1], NotUnderstood))
    failures = [pair for pair in pairs if isinstance(pair[1], CallFailed)]
    for order, outcome in pairs[-1:] if len(failures) < len(pairs) else failures:
        failure = outcome if isinstance(outcome, CallFailed) else None
        is_unreadable = isinstance(failure, NotUnderstood)
        asked_again = _poll_after_failure(order, now) if is_unreadable else None
        record_call_result(
            connection,
            Endpoint.JUSTIFACTS,
            failure,
            now,
            hide=order.personal_data,
            lasts_until=asked_again and asked_again + _UNTIL_ASKED_AGAIN,
            is_about_the_problem=any(asked.call_failures for asked, said in pairs if isinstance(said, Found)),
        )


def _poll_after_failure(order: Order, now: datetime) -> datetime | None:
    following = next_poll(order, now, True)
    return following and max(following, now + backoff_delay(order.call_failures + 1))


def _give_back(orders: list[Order], token: uuid.UUID) -> None:
    """Those that were not asked about are as they were before the claim."""
    asked_for = [order.pk for order in orders]
    left = Order.objects.filter(pk__in=asked_for, lease_token=token)
    if left.exists():
        left.update(lease_token=None, leased_until=None)


@transaction.atomic
def _record_unchanged(pairs: list[tuple[Order, _Outcome]], token: UUID) -> None:
    now = timezone.now()
    for order, outcome in pairs:
        failed = isinstance(outcome, CallFailed)
        following = next_poll(order, now, failed)
        if isinstance(outcome, CallFailed) and outcome.retry_after and following:
            following = max(following, now + timedelta(seconds=min(outcome.retry_after, 24 * 60 * 60)))
        Order.objects.filter(pk=order.pk, lease_token=token).update(
            lease_token=None,
            leased_until=None,
            **({} if failed else {"last_polled_at": now}),
            next_call=PendingCall.POLL if following else PendingCall.NONE,
            next_attempt_at=following,
            call_failures=order.call_failures + 1 if failed else 0,
            failing_since=(order.failing_since or now) if failed else None,
            last_call_error=outcome.message if isinstance(outcome, CallFailed) else "",
        )


def _record_changes(asked: Order, outcome: _Outcome, token: UUID) -> bool:
    now = timezone.now()
    moved, is_ours = False, True
    with locked_order(asked.pk) as order:
        if order.lease_token != token:
            return False
        order.release()
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
            is_ours = note_provider_order(order, outcome.justifacts_order_id, POLLED, now)
            if is_ours and outcome.word is not None:
                moved = apply_status(order, outcome.word, POLLED, now)
        failpoint("poll.before_commit")
    if not is_ours and isinstance(outcome, Found):
        report_conflict(asked, outcome.justifacts_order_id, POLLED)
    return moved


def _count_not_understood(order: Order, failure: NotUnderstood, now: datetime) -> None:
    """Such a poll has failed: the next one waits longer, and the order was not polled."""
    order.next_attempt_at = _poll_after_failure(order, now)
    order.next_call = PendingCall.POLL if order.next_attempt_at else PendingCall.NONE
    order.call_failures += 1
    order.failing_since = order.failing_since or now
    order.last_call_error = failure.message
    note_failed_poll(order, failure, now)
