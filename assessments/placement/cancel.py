"""Cancelling at Justifacts, until Justifacts has accepted the cancellation or refused it."""

from datetime import datetime

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.call import ASK_AFTER, Lease, perform
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    record_event,
    reschedule_call,
    schedule_call,
)
from integrations.connections.clients import justifacts_client
from integrations.http.errors import Answer, CallFailed, Refused, ServerError, Unauthorized, UnclearRefusal
from integrations.justifacts.client import OrderNotFound
from integrations.text import format_utc

#: After this many unclear errors the order needs attention.
UNCLEAR_CANCELS = 4


def cancel(lease: Lease[Order]) -> bool:
    """Cancel the order at Justifacts, and record the answer. False: no call could be made now.

    Justifacts may run the order under either of two numbers until staff have decided which one is right. "Not
    found" for one of them is no refusal if Justifacts accepts the cancellation of the other.
    """

    def send() -> Answer:
        order, answers = lease.order, list[Answer]()
        client = justifacts_client(order.organization.connection)
        not_found: OrderNotFound | None = None
        for number in filter(None, (order.justifacts_order_id, order.offered_order_number)):
            try:
                answers.append(client.cancel(number, order.personal_data))
            except OrderNotFound as error:
                not_found = not_found or error
        if not_found and not answers:
            raise not_found
        return answers[-1]

    return perform(lease, CallAttempt.Call.CANCEL, send, _record) is not None


def _record(order: Order, outcome: Answer | CallFailed, now: datetime) -> None:
    if isinstance(outcome, Answer):
        schedule_call(order, PendingCall.NONE, None)
        clear_attention(order, AttentionTopic.CANCEL)
        what = "Justifacts accepted the cancellation."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.CANCEL_ACCEPTED, what)
    elif _is_refused(order, outcome):
        schedule_call(order, PendingCall.NONE, None)
        text = (
            f"Justifacts did not cancel order {order.justifacts_order_id}: {outcome.sentence} "
            "The check may continue there and be billed. Call Justifacts to resolve this."
        )
        flag_for_attention(order, AttentionTopic.CANCEL, text)
    else:
        reschedule_call(order, outcome, now)
        is_overdue = order.failing_since and now - order.failing_since > ASK_AFTER
        if (isinstance(outcome, ServerError) and order.call_failures >= UNCLEAR_CANCELS) or is_overdue:
            flag_for_attention(
                order,
                AttentionTopic.CANCEL,
                f"Justifacts has not accepted the cancellation of order {order.justifacts_order_id} since "
                f"{format_utc(order.failing_since or now)}: {outcome.sentence} The portal keeps "
                "retrying. Call Justifacts if it is urgent.",
            )


def _is_refused(order: Order, failure: CallFailed) -> bool:
    """Whether Justifacts declines to cancel: by a refusal, or by the same kind of unclear answer several
    times."""
    if isinstance(failure, UnclearRefusal):
        return not isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS - 1
    return isinstance(failure, Refused) and not isinstance(failure, Unauthorized)
