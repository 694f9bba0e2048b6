"""Telling Justifacts that a cancelled order is not wanted any more, until it has accepted that."""

from datetime import datetime

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.backoff import ASK_AFTER
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    record_event,
    reschedule_call,
    schedule_call,
)
from integrations.connections.clients import justifacts_client
from integrations.http.errors import Answer, CallFailed, Refused, ServerError, Unauthorized, UnclearRefusal
from integrations.justifacts.client import JustifactsClient, OrderNotFound
from integrations.text import format_utc

#: An error that says neither yes nor no is retried this often before a person is asked.
UNCLEAR_CANCELS = 4


def cancel(lease: Lease[Order]) -> bool:
    """Cancel the order at Justifacts, and record the answer. False: no call could be made now."""

    def send() -> Answer:
        return _cancel_all_numbers(justifacts_client(lease.order.organization.connection), lease.order)

    return perform(lease, CallAttempt.Call.CANCEL, send, _record) is not None


def _cancel_all_numbers(client: JustifactsClient, order: Order) -> Answer:
    """Justifacts may run the order under either of two numbers until a person has decided which one is right.
    That it does not know one of them is no refusal if it accepts the cancellation of the other. Raises
    ``CallFailed``."""
    numbers = [number for number in (order.justifacts_order_id, order.offered_order_number) if number]
    answers: list[Answer] = []
    not_found: OrderNotFound | None = None
    for number in numbers:
        try:
            answers.append(client.cancel(number, order.personal_data))
        except OrderNotFound as error:
            not_found = not_found or error
    if not_found and not answers:
        raise not_found
    return answers[-1]


def _record(order: Order, outcome: Answer | CallFailed, now: datetime) -> None:
    if isinstance(outcome, Answer):
        schedule_call(order, PendingCall.NONE, None)
        clear_attention(order, AttentionTopic.CANCEL)
        what = "Justifacts took the cancellation."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.CANCEL_ACCEPTED, what)
    elif _is_refused(order, outcome):
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.CANCEL,
            f"Justifacts did not cancel order {order.justifacts_order_id}: {outcome.sentence} "
            "The check may go on there and be billed. Call Justifacts to settle it.",
        )
    else:
        reschedule_call(order, outcome, now)
        is_overdue = order.failing_since and now - order.failing_since > ASK_AFTER
        if (isinstance(outcome, ServerError) and order.call_failures >= UNCLEAR_CANCELS) or is_overdue:
            flag_for_attention(
                order,
                AttentionTopic.CANCEL,
                f"Justifacts has not taken the cancellation of order {order.justifacts_order_id} since "
                f"{format_utc(order.failing_since or now)}: {outcome.sentence} The portal goes on "
                "trying. Call Justifacts if it is urgent.",
            )


def _is_refused(order: Order, failure: CallFailed) -> bool:
    """Whether Justifacts declines to cancel: it decided so, or gave the same unclear answer several times."""
    if isinstance(failure, UnclearRefusal):
        return not isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS - 1
    return isinstance(failure, Refused) and not isinstance(failure, Unauthorized)
