"""One call to a partner under a lease: the steps that all such calls share.

Placement and delivery go through ``perform``. A poll asks about a batch of orders at once
(``tracking/bulk_status.py``) and records each answer with ``recording``.

The order of the steps keeps orders safe (``docs/protocol.md``, "Placing once"): the lease is acquired before
the call, and its fencing token is checked in the transaction that records the outcome. No transaction is open
during the call. A call that was made is logged even if its lease was lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from django.db import models
from django.utils import timezone

from assessments.models import AshbyUpdate, CallAttempt, Order
from assessments.orders.call_log import log_attempt
from assessments.orders.transaction import locked_order, saving_changes
from integrations.compiled import CompiledQuery
from integrations.connections.circuit_breaker import allow_request
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.failpoints import failpoint
from integrations.http.errors import Answer, BudgetSpent, CallFailed
from integrations.justifacts.client import Found, Placed

#: A call that has failed for this long makes the order need attention; the retries continue.
ASK_AFTER = timedelta(hours=24)

Row = TypeVar("Row", Order, AshbyUpdate)
Result = TypeVar("Result", Answer, Placed, Found)


@dataclass(frozen=True)
class Lease(Generic[Row]):
    """The right to make one call about ``row``: the order, for Justifacts, or one of its updates, for Ashby.
    Both are copies; only the holder of the fencing token may record the outcome."""

    row: Row
    order: Order
    token: UUID
    #: In seconds on the clock of ``fencing.boottime()``: after it no body is sent.
    send_deadline: float

    def release(self) -> None:
        """End the lease without a call; the row is due as before."""
        type(self.row).objects.filter(pk=self.row.pk).release(self.token)


def perform(
    lease: Lease[Row],
    call: CallAttempt.Call,
    send: Callable[[], Result],
    record: Callable[[Row, Result | CallFailed, datetime], None],
    record_late: Callable[[Row, Result | CallFailed, datetime], None] | None = None,
) -> Result | CallFailed | None:
    """Make the call that ``lease`` allows and record its outcome. Returns the outcome, or None if no call was
    made because the circuit breaker is open or the rate limit is reached; the lease is then released.

    ``send`` makes the call and raises ``CallFailed``. ``record`` gets the row, locked and read again, and
    applies the outcome to it. If the lease was lost during the call, ``record_late`` is called instead;
    without it only the call log is written.
    """
    connection = lease.order.organization.connection
    endpoint = Endpoint.JUSTIFACTS if isinstance(lease.row, Order) else Endpoint.ASHBY
    # The last check: an open breaker lets one caller through, and that caller must make the call.
    if not allow_request(connection, endpoint, timezone.now()):
        lease.release()
        return None
    failpoint(f"{call.value}.claimed")
    outcome: Result | CallFailed
    try:
        outcome = send()
    except BudgetSpent as error:
        lease.release()
        record_call_result(connection, endpoint, error, timezone.now())
        return None
    except CallFailed as error:
        outcome = error
    failpoint(f"{call.value}.called")
    now = timezone.now()
    failure = outcome if isinstance(outcome, CallFailed) else None
    answer = outcome if isinstance(outcome, Answer) else outcome.answer
    with recording(lease.row, lease.token, call.value) as (row, is_held):
        order, update = (row, None) if isinstance(row, Order) else (row.order, row)
        log_attempt(order, call, answer, failure, now, update=update)
        if is_held:
            record(row, outcome, now)
        elif record_late:
            record_late(row, outcome, now)
    failpoint(f"{call.value}.committed")
    if is_held:
        # An unreadable answer is a problem of the connection, too.
        problem = failure if isinstance(outcome, CallFailed | Answer) else outcome.not_understood
        record_call_result(connection, endpoint, problem, now, hide=lease.order.personal_data)
    return outcome


@contextmanager
def recording(row: Row, token: UUID, call: str) -> Iterator[tuple[Row, bool]]:
    """Lock the order of a leased row and read the row again; what has changed in both is saved at the end.
    Yields the row, and whether ``token`` still holds its lease. If not, the caller must not apply the
    outcome."""
    with locked_order(row.pk if isinstance(row, Order) else row.order_id) as order:
        if isinstance(row, Order):
            yield order, order.lease_token == token
        else:
            [update] = _update_by_key(row.pk)
            update.order = order
            with saving_changes(update):
                yield update, update.lease_token == token
        failpoint(f"{call}.before_commit")


_update_by_key = CompiledQuery(
    lambda key: AshbyUpdate.objects.order_by().filter(pk=key), models.BigIntegerField()
)
