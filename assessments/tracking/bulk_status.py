"""Asking Justifacts for the status of many orders concurrently.

The calls run in threads that do not use the database. Polls and reconciliation ask through ``ask_each``,
which respects the circuit breaker and the rate limit, and records the connection's health.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial

from django.utils import timezone

from assessments.models import Order
from integrations.connections.circuit_breaker import allow_request, is_open
from integrations.connections.clients import justifacts_client
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.http.errors import (
    BudgetSpent,
    CallFailed,
    NotUnderstood,
    Refused,
    ServerError,
    Unauthorized,
    UnclearRefusal,
)
from integrations.justifacts.client import Found, JustifactsClient, OrderNotFound
from integrations.models import Connection
from integrations.redaction import excerpt

from .poll_schedule import next_poll_after_failure

#: Concurrent calls for one organization, so that a hanging endpoint leaves threads to other organizations.
_AT_A_TIME = 8
_THREADS = 64
#: After this many consecutive failures the rest of a batch is left out.
_GIVE_UP_AFTER = 3
#: An unreadable answer stays a problem of the connection until this long after the order's next poll.
_UNTIL_ASKED_AGAIN = timedelta(minutes=2)

Outcome = Found | CallFailed


def ask_each(connection: Connection, orders: Sequence[Order]) -> list[tuple[Order, Outcome]]:
    """Ask Justifacts for the status of orders of one connection. Orders without a pair in the result were not
    asked about, because calls are blocked, the rate limit is reached, or consecutive calls failed."""
    if not allow_request(connection, Endpoint.JUSTIFACTS, timezone.now()):
        return []
    try:
        client = justifacts_client(connection)
        orders = orders[: client.reserve(len(orders))]
    except CallFailed as error:
        _record_health(connection, [(orders[0], error)])
        return [] if isinstance(error, BudgetSpent) else [(order, error) for order in orders]
    at_a_time = 1 if is_open(connection, Endpoint.JUSTIFACTS) else _AT_A_TIME
    # The threads must not use the database, so they only collect which keys were used.
    used: set[int] = set()
    pairs = list(_outcomes(replace(client, note_use=used.add), orders, at_a_time))
    for position in used:
        client.note_use(position)
    _record_health(connection, pairs)
    return pairs


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    # Kept for the life of the process, so that each thread keeps its connections.
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="poll")


def _outcomes(
    client: JustifactsClient, orders: Sequence[Order], at_a_time: int
) -> Iterator[tuple[Order, Outcome]]:
    """Outcomes in the order of ``orders``, with ``at_a_time`` concurrent calls; ends early after consecutive
    failures."""
    waiting: deque[tuple[Order, Future[Outcome]]] = deque()
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


def _ask(client: JustifactsClient, order: Order) -> Outcome:
    hide = order.personal_data
    number, reference = order.justifacts_order_id, str(order.pk)
    ask = partial(client.status, hide=hide)
    if not number:
        outcome = _outcome_of(partial(ask, reference_id=reference, is_reserved=True))
    else:
        by_number = partial(ask, justifacts_order_id=number, expected_reference=reference, is_reserved=True)
        outcome = _outcome_of(by_number)
        if isinstance(outcome, OrderNotFound):
            # Justifacts may have given the order another number.
            by_reference = _outcome_of(partial(ask, reference_id=reference))
            outcome = by_reference if isinstance(by_reference, Found | NotUnderstood) else outcome
    if not isinstance(outcome, CallFailed) or (order.has_ended and isinstance(outcome, Refused)):
        # Justifacts may refuse to answer about a check that has ended.
        return outcome
    return _as_not_understood(outcome, hide, (client.key, *client.others))


def _outcome_of(ask: Callable[[], Found]) -> Outcome:
    try:
        found = ask()
    except CallFailed as error:
        return error
    return found.not_understood or found


def _as_not_understood(failure: CallFailed, hide: Iterable[str], secrets: Iterable[str]) -> CallFailed:
    """Treat an error in place of a status as unreadable, except "not found" and errors about the server or
    the key, which concern every order."""
    is_about_all = isinstance(failure, OrderNotFound | Unauthorized | ServerError)
    if is_about_all or not isinstance(failure, Refused | UnclearRefusal):
        return failure
    quoted = excerpt(failure.answer.body, hide, secrets)
    message = f"Justifacts answered the status call with an error: {failure.message}"
    return NotUnderstood(message, excerpt=quoted, answer=failure.answer)


def _record_health(connection: Connection, pairs: Sequence[tuple[Order, Outcome]]) -> None:
    """Record the last answer or, if there was none, each failure. An unreadable answer stays a problem of the
    connection until its order has been polled again, whatever the other answers are."""
    now = timezone.now()
    pairs = sorted(pairs, key=lambda pair: isinstance(pair[1], NotUnderstood))
    failures = [pair for pair in pairs if isinstance(pair[1], CallFailed)]
    was_failing = any(order.call_failures for order, outcome in pairs if isinstance(outcome, Found))
    for order, outcome in pairs[-1:] if len(failures) < len(pairs) else failures:
        failure = outcome if isinstance(outcome, CallFailed) else None
        asked_again = next_poll_after_failure(order, now) if isinstance(failure, NotUnderstood) else None
        record_call_result(
            connection,
            Endpoint.JUSTIFACTS,
            failure,
            now,
            hide=order.personal_data,
            lasts_until=asked_again and asked_again + _UNTIL_ASKED_AGAIN,
            is_about_the_problem=was_failing,
        )
