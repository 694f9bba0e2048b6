"""The circuit breaker of each side of a connection.

After ``OPENS_AFTER`` failures in a row no call is made to that side for a while; then one call tries,
and either all go on or the rest begins again, longer. A 429 and a spent budget are rests too, without
a failure. The state stands on the connection, so that all processes share it and people can read it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import F, Q

from integrations.http.errors import (
    BudgetSpent,
    CallFailed,
    NotSent,
    NotUnderstood,
    Refused,
    ServerError,
    UnclearRefusal,
)
from integrations.models import Connection


class Side(StrEnum):
    ASHBY = "ashby"
    JUSTIFACTS = "justifacts"


OPENS_AFTER = 5
_RESTS = (5, 10, 20, 30)
#: For so long nobody else tries: longer than the longest call.
_PROBE = timedelta(seconds=20)
#: The other side's Retry-After is kept to for each update as it stands, for the whole side only so long.
_LONGEST_REST_SECONDS = 15 * 60
_REST_SECONDS_WITHOUT_A_WORD = 5


def not_blocked(side: Side, now: datetime, connection: str = "") -> Q:
    """Connections whose ``side`` does not rest; ``connection`` is the path to them."""
    rest = f"{connection}{side}_blocked_until"
    return Q(**{rest: None}) | Q(**{f"{rest}__lte": now})


def healthy(side: Side, now: datetime, connection: str = "") -> Q:
    """Connections whose ``side`` neither rests nor has failed so often that single calls try it."""
    return not_blocked(side, now, connection) & Q(**{f"{connection}{side}_failures__lt": OPENS_AFTER})


def allow_request(connection: Connection, side: Side, now: datetime) -> bool:
    """Whether a call may be made now. While the side is broken, a single caller gets it."""
    until: datetime | None = getattr(connection, f"{side}_blocked_until")
    if until is None or (until <= now and not is_open(connection, side)):
        return True
    if until > now:
        return False
    probes = Connection.objects.filter(pk=connection.pk, **{f"{side}_blocked_until": until})
    return probes.update(**{f"{side}_blocked_until": now + _PROBE}) == 1


def reset_cooldown(organization_id: int, now: datetime) -> None:
    """A person wants a call made now: what rests may be tried at once, still by one caller at a time."""
    for side in Side:
        rest = f"{side}_blocked_until"
        Connection.objects.filter(organization=organization_id, **{f"{rest}__gt": now}).update(**{rest: now})


def is_open(connection: Connection, side: Side) -> bool:
    """Whether calls to that side have failed so often that they rest."""
    failures: int = getattr(connection, f"{side}_failures")
    return failures >= OPENS_AFTER


def record_result(connection: Connection, side: Side, failure: CallFailed | None, now: datetime) -> bool:
    """Counts how a call to ``side`` ended, and says whether its calls now rest for failures. A side that
    refuses a call has answered; a proxy's page and an error code of the server are failures."""
    if failure is None or has_answered(failure):
        if getattr(connection, f"{side}_failures") or getattr(connection, f"{side}_blocked_until"):
            _rest(connection, side, None, failures=0)
    elif isinstance(failure, BudgetSpent) or (isinstance(failure, NotSent) and failure.answer.status == 429):
        asked = _REST_SECONDS_WITHOUT_A_WORD if failure.retry_after is None else failure.retry_after
        _rest(connection, side, now + timedelta(seconds=min(max(asked, 1), _LONGEST_REST_SECONDS)))
    else:
        return _count_failure(connection, side, now)
    return False


def has_answered(failure: CallFailed) -> bool:
    """Whether the failure is about one message and says nothing against the side: it has understood it."""
    is_unclear = isinstance(failure, UnclearRefusal) and not isinstance(failure, ServerError)
    return isinstance(failure, Refused | NotUnderstood) or is_unclear


def _count_failure(connection: Connection, side: Side, now: datetime) -> bool:
    failures = f"{side}_failures"
    rows = Connection.objects.filter(pk=connection.pk)
    rows.update(**{failures: F(failures) + 1})
    beyond = max(getattr(connection, failures) + 1 - OPENS_AFTER, 0)
    rest = timedelta(seconds=_RESTS[min(beyond, len(_RESTS) - 1)])
    return bool(
        rows.filter(**{f"{failures}__gte": OPENS_AFTER}).update(**{f"{side}_blocked_until": now + rest})
    )


def _rest(connection: Connection, side: Side, until: datetime | None, **counted: int) -> None:
    changes = {f"{side}_{name}": value for name, value in counted.items()}
    Connection.objects.filter(pk=connection.pk).update(**{f"{side}_blocked_until": until}, **changes)
