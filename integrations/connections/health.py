"""Remembers how calls to either side of a connection ended: its health, as people read it, and the
circuit breaker's count."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from integrations.connections.circuit_breaker import Side, has_answered, record_result
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


def record_ashby_result(
    connection: Connection, failure: CallFailed | None, now: datetime, hide: Iterable[str] = ()
) -> None:
    """Remembers how a call to Ashby ended. A refusal is no news of the connection: it is about one
    order, or about the key, for which deliveries pause. ``hide``: the candidate whom it was about."""
    rests = record_result(connection, Side.ASHBY, failure, now)
    if isinstance(failure, Refused | BudgetSpent):
        return
    _note(connection, Side.ASHBY, _problem_text(Side.ASHBY, failure, rests, hide), now)


def record_justifacts_result(
    connection: Connection,
    failure: CallFailed | None,
    now: datetime,
    hide: Iterable[str] = (),
    *,
    lasts_until: datetime | None = None,
    is_about_the_problem: bool = False,
) -> None:
    """Remembers how a call to Justifacts ended. The refusal of one order is an answer; the refusal of the
    key, and an answer that the portal cannot read, are problems of the connection. ``hide``: the candidate
    whom the call was about.

    ``lasts_until``: the problem is about one message, so until then it outlasts calls about other orders that
    succeed. ``is_about_the_problem``: this call shows that the message can be read now.
    """
    rests = record_result(connection, Side.JUSTIFACTS, failure, now)
    if isinstance(failure, BudgetSpent):
        return
    if (
        failure is not None
        and has_answered(failure)
        and not isinstance(failure, Unauthorized | NotUnderstood)
    ):
        failure = None
    until = connection.justifacts_problem_until
    if failure is None and until and now < until and not is_about_the_problem:
        return
    text = _problem_text(Side.JUSTIFACTS, failure, rests, hide)
    _note_justifacts(connection, text, now, lasts_until)


def record_unreadable_push(connection: Connection, text: str, now: datetime, lasts_until: datetime) -> None:
    """Justifacts has called us with a message that the portal cannot read. It says nothing of our calls to
    Justifacts."""
    _note_justifacts(connection, redact_text(text), now, lasts_until)


def record_justifacts_contact(connection: Connection, now: datetime) -> None:
    """Justifacts has called us with a message that was understood. While our calls to it rest, or one of its
    answers cannot be read, that says nothing of them."""
    until = connection.justifacts_problem_until
    is_about_an_answer = not connection.justifacts_problem.startswith(UNREADABLE_PUSH)
    if until and now < until and is_about_an_answer:
        return
    if connection.justifacts_blocked_until is None:
        _note_justifacts(connection, "", now, None)


def _note_justifacts(connection: Connection, text: str, now: datetime, until: datetime | None) -> None:
    if connection.justifacts_problem_until != until:
        Connection.objects.filter(pk=connection.pk).update(justifacts_problem_until=until)
    _note(connection, Side.JUSTIFACTS, text, now)


def _problem_text(side: Side, failure: CallFailed | None, rests: bool, hide: Iterable[str]) -> str:
    if failure is None:
        return ""
    text = failure.message
    if isinstance(failure, NotTheProtocol):
        text = f"{text} The portal tries again."
    if rests:
        text = f"{failure.sentence} {_RESTING.format(side=side.title())}"
    return redact_text(text, hide)


def _note(connection: Connection, side: Side, text: str, now: datetime) -> None:
    """Written at most once in 10 s while nothing changes: this row is every order's."""
    last = getattr(connection, f"{side}_answered_at")
    had, since = getattr(connection, f"{side}_problem"), getattr(connection, f"{side}_problem_since")
    changes: dict[str, object] = {}
    if had != text or bool(text) != bool(since):
        changes |= problem_fields(side, text, now)
    if not text and (last is None or (now - last).total_seconds() > 10):
        changes[f"{side}_answered_at"] = now
    if changes:
        Connection.objects.filter(pk=connection.pk).update(**changes)


def problem_fields(side: str, text: str, now: datetime) -> dict[str, object]:
    """A side's problem and its beginning, for an update. While one problem follows another, the first
    one's beginning stays, as the row has it: ours may be a copy from before another worker's."""
    since = f"{side}_problem_since"
    return {f"{side}_problem": text, since: Coalesce(F(since), Value(now)) if text else None}
