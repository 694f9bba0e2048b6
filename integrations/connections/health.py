"""Records how calls to the endpoints end: the problem that people read, and the circuit breaker's count."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Coalesce

from integrations.connections.circuit_breaker import breaker_changes, counts_as_failure, has_answered, opens
from integrations.connections.endpoints import Endpoint
from integrations.http import errors
from integrations.http.errors import BudgetSpent, CallFailed
from integrations.models import Connection
from integrations.redaction import redact_text

_BLOCKED = (
    "Calls to {endpoint} are blocked after several failures in a row; one call at a time tests whether it "
    "works again."
)

#: The beginning of the problem text for a push that the portal cannot read.
UNREADABLE_PUSH = "Justifacts called with what the portal cannot read."
#: How often the time of the last success is written at most: all orders of an organization share the row.
_SUCCESS_EVERY_SECONDS = 10


def record_call_result(
    connection: Connection,
    endpoint: Endpoint,
    failure: CallFailed | None,
    now: datetime,
    hide: Iterable[str] = (),
    *,
    lasts_until: datetime | None = None,
    is_about_the_problem: bool = False,
) -> None:
    """Record how a call to ``endpoint`` ended, in one UPDATE of the connection or none.

    ``failure``: ``None`` for a success. ``hide``: personal data of the candidate of the call.
    ``lasts_until``, for Justifacts: the problem is about one message, so successful calls about other orders
    do not clear it until then. ``is_about_the_problem``: this call shows that the portal can read the
    message now.
    """
    changes = breaker_changes(connection, endpoint, failure, now)
    if endpoint is Endpoint.JUSTIFACTS:
        changes |= _justifacts_changes(connection, failure, now, hide, lasts_until, is_about_the_problem)
    # A refusal by Ashby is not a problem of the connection: it is about one order, or about the key, which
    # pauses deliveries (``pauses.py``).
    elif not isinstance(failure, errors.Refused | BudgetSpent):
        changes |= _result_changes(connection, endpoint, failure, now, hide)
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)


def record_unreadable_push(connection: Connection, text: str, now: datetime, lasts_until: datetime) -> None:
    """Record that Justifacts pushed a message that the portal cannot read. The breaker does not count it."""
    changes = _problem_changes(connection, Endpoint.JUSTIFACTS, redact_text(text), now)
    Connection.objects.filter(pk=connection.pk).update(**changes, justifacts_problem_until=lasts_until)


def record_justifacts_contact(connection: Connection, now: datetime) -> None:
    """Record that Justifacts pushed a message that the portal understood. This clears no problem while calls
    to Justifacts are blocked, or while one of its answers cannot be read."""
    until = connection.justifacts_problem_until
    is_about_an_answer = not connection.justifacts_problem.startswith(UNREADABLE_PUSH)
    if (until and now < until and is_about_an_answer) or connection.justifacts_blocked_until is not None:
        return
    changes = _problem_changes(connection, Endpoint.JUSTIFACTS, "", now)
    if until is not None:
        changes["justifacts_problem_until"] = None
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)


def problem_fields(endpoint: Endpoint, text: str | Case, now: datetime) -> dict[str, Any]:
    """Return the changes that set an endpoint's problem, for an UPDATE. An empty text clears it. If a problem
    follows another, the first one's beginning stays; the database decides, because our copy of the row may
    be outdated."""
    columns = endpoint.columns
    since = Coalesce(F(columns.problem_since), Value(now)) if text else None
    return {columns.problem: text, columns.problem_since: since}


def _justifacts_changes(
    connection: Connection,
    failure: CallFailed | None,
    now: datetime,
    hide: Iterable[str],
    lasts_until: datetime | None,
    is_about_the_problem: bool,
) -> dict[str, Any]:
    """The refusal of one order is an answer; the refusal of the key, and an answer that the portal cannot
    read, are problems of the connection."""
    if isinstance(failure, BudgetSpent):
        return {}
    is_problem = isinstance(failure, errors.Unauthorized | errors.NotUnderstood)
    if failure is not None and has_answered(failure) and not is_problem:
        failure = None
    until = connection.justifacts_problem_until
    if failure is None and until and now < until and not is_about_the_problem:
        return {}
    changes = _result_changes(connection, Endpoint.JUSTIFACTS, failure, now, hide)
    if until != lasts_until:
        changes["justifacts_problem_until"] = lasts_until
    return changes


def _result_changes(
    connection: Connection, endpoint: Endpoint, failure: CallFailed | None, now: datetime, hide: Iterable[str]
) -> dict[str, Any]:
    if failure is None:
        return _problem_changes(connection, endpoint, "", now)
    suffix = " The portal tries again." if isinstance(failure, errors.NotTheProtocol) else ""
    text = redact_text(f"{failure.message}{suffix}", hide)
    if not counts_as_failure(failure):
        return _problem_changes(connection, endpoint, text, now)
    blocked = redact_text(f"{failure.sentence} {_BLOCKED.format(endpoint=endpoint.label)}", hide)
    # The database decides, as for the breaker: our copy of the row may miss other workers' failures.
    is_open = When(opens(endpoint), then=Value(blocked))
    return problem_fields(endpoint, Case(is_open, default=Value(text), output_field=TextField()), now)


def _problem_changes(connection: Connection, endpoint: Endpoint, text: str, now: datetime) -> dict[str, Any]:
    """Empty if nothing changes, except for the time of the last success every few seconds."""
    state, changes = endpoint.state(connection), dict[str, Any]()
    last = state.last_success_at
    if state.problem != text or bool(text) != bool(state.problem_since):
        changes = problem_fields(endpoint, text, now)
    if not text and (last is None or (now - last).total_seconds() > _SUCCESS_EVERY_SECONDS):
        changes[endpoint.columns.last_success_at] = now
    return changes
