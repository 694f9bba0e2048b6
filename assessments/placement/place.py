"""Placing an order at Justifacts, once (``docs/protocol.md``, "Placing once").

A placement ends as *accepted*, *refused*, *not sent* or *unknown*. ``failures.py`` decides what follows from
the last three; after *unknown*, ``look_up.py`` asks Justifacts for the order by our reference.
"""

from datetime import datetime

from assessments.models import CallAttempt, Order, OrderEvent
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import record_event
from assessments.tracking.apply import apply_status
from assessments.tracking.not_understood import record_not_understood
from assessments.tracking.order_number import accept_order_number, link_provider_order
from integrations.connections.clients import justifacts_client
from integrations.http.errors import CallFailed
from integrations.justifacts.client import Found, Placed

from .failures import clear_placement_failures, record_placement_failure

_ANSWERED = "in answer to the order"


def place(lease: Lease[Order]) -> bool:
    """Send the order to Justifacts, and record the outcome. False: no call could be made now."""

    def send() -> Placed:
        order = lease.order
        client = justifacts_client(order.organization.connection)
        return client.start(order.start_request, str(order.assessment_id), lease.send_deadline)

    return perform(lease, CallAttempt.Call.PLACE, send, _record, _record_late) is not None


def record_acceptance(order: Order, answer: Placed | Found, how: str, now: datetime) -> None:
    """Link the order to the number in the answer, and apply the answer's status. The caller has locked the
    order and recorded the event, and saves the order. ``how``: how the answer came, for the history."""
    link_provider_order(order, answer.justifacts_order_id, now)
    clear_placement_failures(order)
    if answer.not_understood:
        record_not_understood(order, answer.not_understood, how)
    if answer.update and order.justifacts_order_id == answer.justifacts_order_id:
        apply_status(order, answer.update, how, now)


def _record(order: Order, outcome: Placed | CallFailed, now: datetime) -> None:
    if isinstance(outcome, CallFailed):
        record_placement_failure(order, outcome, now)
        return
    what = f"Justifacts accepted the order as number {outcome.justifacts_order_id}."
    record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.PLACED, what)
    record_acceptance(order, outcome, _ANSWERED, now)


def _record_late(order: Order, outcome: Placed | CallFailed, now: datetime) -> None:
    """Record an answer after the lease was lost: it expired, or a push named the order first. An accepted
    order must not be placed again."""
    if not isinstance(outcome, Placed) or order.is_erased:
        return
    if not order.justifacts_order_id:
        _record(order, outcome, now)
    elif accept_order_number(order, outcome.justifacts_order_id, _ANSWERED, now) and outcome.update:
        apply_status(order, outcome.update, _ANSWERED, now)
