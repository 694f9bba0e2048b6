"""The health of a connection's endpoints: what people read about them, and the circuit breaker's count."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Coalesce

from integrations.connections.circuit_breaker import breaker_changes, counts_as_failure, has_answered, opens
from integrations.connections.endpoints import Endpoint
from integrations.http.errors import (
    BudgetSpent,
    CallFailed,
    NotTheProtocol,
    NotUnderstood,
    Refused,
    Unauthorized,
)
from integrations.models import Connection
from integrations.redaction import redact_text

_RESTING = "Calls to {side} rest after several failures in a row; one at a time tries whether it works again."

#: How the problem of a push that cannot be read begins.
UNREADABLE_PUSH = "Justifacts called with what the portal cannot read."
#: The time of the last success is written this often, because every order of an organization shares the row.
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

    ``failure``: None for a success. ``hide``: personal data of the candidate whom the call was about.
    ``lasts_until``, for Justifacts: the problem is about one message, so until then it outlasts calls about
    other orders that succeed. ``is_about_the_problem``: this call shows that the message can be read now.
    """
    changes = breaker_changes(connection, endpoint, failure, now)
    if endpoint is Endpoint.ASHBY:
        changes |= _ashby_changes(connection, failure, now, hide)
    else:
        changes |= _justifacts_changes(connection, failure, now, hide, lasts_until, is_about_the_problem)
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)


def record_unreadable_push(connection: Connection, text: str, now: datetime, lasts_until: datetime) -> None:
    """Justifacts has called us with a message that the portal cannot read. That says nothing about our calls
    to Justifacts."""
    changes = _problem_changes(connection, Endpoint.JUSTIFACTS, redact_text(text), now)
    rows = Connection.objects.filter(pk=connection.pk)
    rows.update(**changes, justifacts_problem_until=lasts_until)


def record_justifacts_contact(connection: Connection, now: datetime) -> None:
    """Justifacts has called us with a message that the portal understood. While our calls to it are blocked,
    or one of its answers cannot be read, that says nothing about them."""
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
    """An endpoint's problem and its beginning, for an UPDATE. Where one problem follows another, the first
    one's beginning stays, as the row has it: ours may be a copy from before another worker's."""
    columns = endpoint.columns
    since = Coalesce(F(columns.problem_since), Value(now)) if text else None
    return {columns.problem: text, columns.problem_since: since}


def _ashby_changes(
    connection: Connection, failure: CallFailed | None, now: datetime, hide: Iterable[str]
) -> dict[str, Any]:
    """A refusal is not the connection's problem: it is about one order, or about the key, and then deliveries
    pause (``pauses.py``)."""
    if isinstance(failure, Refused | BudgetSpent):
        return {}
    return _result_changes(connection, Endpoint.ASHBY, failure, now, hide)


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
    is_problem = isinstance(failure, Unauthorized | NotUnderstood)
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
    connection: Connection,
    endpoint: Endpoint,
    failure: CallFailed | None,
    now: datetime,
    hide: Iterable[str],
) -> dict[str, Any]:
    if failure is None:
        return _problem_changes(connection, endpoint, "", now)
    suffix = " The portal tries again." if isinstance(failure, NotTheProtocol) else ""
    text = redact_text(f"{failure.message}{suffix}", hide)
    if not counts_as_failure(failure):
        return _problem_changes(connection, endpoint, text, now)
    blocked = redact_text(f"{failure.sentence} {_RESTING.format(side=endpoint.label)}", hide)
    # The row decides, as it does for the breaker: our copy may miss other workers' failures.
    is_open = When(opens(endpoint), then=Value(blocked))
    return problem_fields(endpoint, Case(is_open, default=Value(text), output_field=TextField()), now)


def _problem_changes(connection: Connection, endpoint: Endpoint, text: str, now: datetime) -> dict[str, Any]:
    """Nothing while nothing changes, apart from the time of a success every few seconds."""
    state = endpoint.state(connection)
    last = state.last_success_at
    changes: dict[str, Any] = {}
    if state.problem != text or bool(text) != bool(state.problem_since):
        changes = problem_fields(endpoint, text, now)
    if not text and (last is None or (now - last).total_seconds() > _SUCCESS_EVERY_SECONDS):
        changes[endpoint.columns.last_success_at] = now
    return changes
