"""Placing an order at Justifacts, once (``docs/protocol.md``, "Placing once").

An attempt ends as *accepted*, *refused*, *not sent* (try again) or *unknown* (``failures.py``). After
*unknown*, Justifacts is asked for our reference (``look_up.py``): found, that order is adopted; certainly not
found, it is placed again; no certain answer, a person is asked, and no machine places it again.
"""

from datetime import datetime

from assessments.models import CallAttempt, Order, OrderEvent
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import record_event
from assessments.tracking.adopt import accept_order_number, link_provider_order
from assessments.tracking.apply import apply_status
from assessments.tracking.not_understood import record_not_understood
from integrations.connections.clients import justifacts_client
from integrations.http.errors import CallFailed
from integrations.justifacts.client import Placed

from .failures import clear_placement_failures, record_placement_failure

_ANSWERED = "with its answer"


def place(lease: Lease[Order]) -> bool:
    """Send the order to Justifacts, and record whether it was accepted. False: no call could be made now."""

    def send() -> Placed:
        order = lease.order
        client = justifacts_client(order.organization.connection)
        return client.start(order.start_request, str(order.assessment_id), lease.send_deadline)

    return perform(lease, CallAttempt.Call.PLACE, send, _record, _record_late) is not None


def _record(order: Order, outcome: Placed | CallFailed, now: datetime) -> None:
    if isinstance(outcome, Placed):
        _accepted(order, outcome, now)
    else:
        record_placement_failure(order, outcome, now)


def _record_late(order: Order, outcome: Placed | CallFailed, now: datetime) -> None:
    """A push named the order before Justifacts' answer did, or the lease expired meanwhile. That Justifacts
    has the order is true all the same, and nobody may place it again."""
    if not isinstance(outcome, Placed) or order.is_erased:
        return
    if not order.justifacts_order_id:
        _accepted(order, outcome, now)
    elif accept_order_number(order, outcome.justifacts_order_id, _ANSWERED, now) and outcome.update:
        apply_status(order, outcome.update, _ANSWERED, now)


def _accepted(order: Order, placed: Placed, now: datetime) -> None:
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        OrderEvent.Kind.PLACED,
        f"Justifacts took the order as number {placed.justifacts_order_id}.",
    )
    link_provider_order(order, placed.justifacts_order_id, now)
    clear_placement_failures(order)
    if placed.not_understood:
        record_not_understood(order, placed.not_understood, "in answer to the order")
    if placed.update and order.justifacts_order_id == placed.justifacts_order_id:
        apply_status(order, placed.update, _ANSWERED, now)
