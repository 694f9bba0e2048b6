"""The circuit breaker of each endpoint of a connection.

After ``OPENS_AFTER`` failures in a row the portal stops calling the endpoint for a cooldown. Then one call,
the probe, tests it: a success closes the breaker, another failure starts a longer cooldown. A 429 and a spent
call budget also block the endpoint for a while, without counting as failures. The state is in the
connection's row, which all processes share and pages can show.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, F, Q, Value, When

from integrations.connections.endpoints import Endpoint
from integrations.http import errors
from integrations.http.errors import CallFailed
from integrations.models import Connection

OPENS_AFTER = 5
_COOLDOWN_SECONDS = (5, 10, 20, 30)
#: How long a probe keeps other callers away: longer than the longest call.
_PROBE = timedelta(seconds=20)
#: A Retry-After holds in full for its update or order, but blocks the whole endpoint for at most this long.
_LONGEST_BLOCK_SECONDS = 15 * 60
#: For a 429 without Retry-After.
_DEFAULT_BLOCK_SECONDS = 5


def not_blocked(endpoint: Endpoint, now: datetime, connection: str = "") -> Q:
    """Connections whose ``endpoint`` may be called. ``connection`` is the query path to them, with its
    trailing underscores."""
    blocked_until = f"{connection}{endpoint.columns.blocked_until}"
    return Q(**{blocked_until: None}) | Q(**{f"{blocked_until}__lte": now})


def healthy(endpoint: Endpoint, now: datetime, connection: str = "") -> Q:
    """Connections whose ``endpoint`` is not blocked and whose breaker is closed."""
    is_closed = Q(**{f"{connection}{endpoint.columns.failures}__lt": OPENS_AFTER})
    return not_blocked(endpoint, now, connection) & is_closed


def is_blocked(connection: Connection, endpoint: Endpoint, now: datetime) -> bool:
    """Whether no call may be made at ``now``, according to this copy of the row."""
    until = endpoint.state(connection).blocked_until
    return until is not None and until > now


def allow_request(connection: Connection, endpoint: Endpoint, now: datetime) -> bool:
    """Whether a call may be made now. After the cooldown of an open breaker, one of all callers gets the
    probe and must make the call, so ask this last."""
    state = endpoint.state(connection)
    until = state.blocked_until
    if until is None or (until <= now and state.failures < OPENS_AFTER):
        return True
    if until > now:
        return False
    blocked_until = endpoint.columns.blocked_until
    unchanged = Connection.objects.filter(pk=connection.pk, **{blocked_until: until})
    return unchanged.update(**{blocked_until: now + _PROBE}) == 1


def reset_cooldown(organization_id: int, now: datetime) -> None:
    """End the cooldown of both endpoints, because a person wants a call now. An open breaker still allows
    one probe at a time."""
    for endpoint in Endpoint:
        blocked_until = endpoint.columns.blocked_until
        blocked = Connection.objects.filter(organization=organization_id, **{f"{blocked_until}__gt": now})
        blocked.update(**{blocked_until: now})


def is_open(connection: Connection, endpoint: Endpoint) -> bool:
    """Whether the last ``OPENS_AFTER`` calls to the endpoint failed, according to this copy of the row."""
    return endpoint.state(connection).failures >= OPENS_AFTER


def has_answered(failure: CallFailed) -> bool:
    """Whether the failure is about one message, not about the endpoint: the partner understood the call."""
    is_unclear = isinstance(failure, errors.UnclearRefusal) and not isinstance(failure, errors.ServerError)
    return isinstance(failure, errors.Refused | errors.NotUnderstood) or is_unclear


def counts_as_failure(failure: CallFailed | None) -> bool:
    """Whether the endpoint failed. A proxy's page and a server error are failures; a refusal is an answer,
    and a limit (a 429 or the portal's own budget) is not the endpoint's failure."""
    if failure is None or has_answered(failure):
        return False
    is_429 = isinstance(failure, errors.NotSent) and failure.answer.status == 429
    return not (is_429 or isinstance(failure, errors.BudgetSpent))


def opens(endpoint: Endpoint) -> Q:
    """Connections whose breaker one more failure opens, or keeps open."""
    return Q(**{f"{endpoint.columns.failures}__gte": OPENS_AFTER - 1})


def breaker_changes(
    connection: Connection, endpoint: Endpoint, failure: CallFailed | None, now: datetime
) -> dict[str, Any]:
    """What the result of a call changes in the breaker's columns, for an UPDATE of the connection."""
    columns, state = endpoint.columns, endpoint.state(connection)
    if failure is None or has_answered(failure):
        is_clear = not state.failures and state.blocked_until is None
        return {} if is_clear else {columns.failures: 0, columns.blocked_until: None}
    if not counts_as_failure(failure):
        asked = _DEFAULT_BLOCK_SECONDS if failure.retry_after is None else failure.retry_after
        return {columns.blocked_until: now + timedelta(seconds=min(max(asked, 1), _LONGEST_BLOCK_SECONDS))}
    beyond = min(max(state.failures + 1 - OPENS_AFTER, 0), len(_COOLDOWN_SECONDS) - 1)
    cooldown_ends = now + timedelta(seconds=_COOLDOWN_SECONDS[beyond])
    return {
        # Incremented in the database: other workers count failures at the same time.
        columns.failures: F(columns.failures) + 1,
        columns.blocked_until: Case(
            When(opens(endpoint), then=Value(cooldown_ends)), default=F(columns.blocked_until)
        ),
    }
