"""Cancelling: an order ends here at once, and at Justifacts as soon as Justifacts can be told."""

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.backoff import ASK_AFTER
from assessments.orders.call_log import log_attempt
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    locked_order,
    record_event,
    reschedule_call,
    schedule_call,
)
from assessments.placement.lease import Lease, release_lease
from integrations.connections.clients import justifacts_client
from integrations.connections.health import record_call_result
from integrations.endpoints import Endpoint
from integrations.failpoints import failpoint
from integrations.http.errors import (
    Answer,
    BudgetSpent,
    CallFailed,
    Refused,
    ServerError,
    Unauthorized,
    UnclearRefusal,
)
from integrations.justifacts.client import JustifactsClient, OrderNotFound
from integrations.text import format_utc

#: So often an error that says neither yes nor no is tried again before a person is asked.
UNCLEAR_CANCELS = 4


# Else a placing is under way or its outcome is unknown: who records that outcome goes on from there.


def _cancel_all_numbers(client: JustifactsClient, order: Order) -> Answer:
    """Justifacts may run the order under either of two numbers until a person has decided which one is right.
    That it does not know one of them is no refusal if it takes the cancellation of the other. Raises
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


def cancel_at_justifacts(claim: Lease) -> None:
    """Tells Justifacts that a cancelled order is not wanted any more; tries until it has taken it."""
    order = claim.order
    connection = order.organization.connection
    failure: CallFailed | None = None
    failpoint("cancel.claimed")
    try:
        answer = _cancel_all_numbers(justifacts_client(connection), order)
    except BudgetSpent as error:
        release_lease(claim)
        record_call_result(connection, Endpoint.JUSTIFACTS, error, claim.now())
        return
    except CallFailed as error:
        failure, answer = error, error.answer
    failpoint("cancel.called")
    now = claim.now()
    with locked_order(order.pk) as order:
        log_attempt(order, CallAttempt.Call.CANCEL, answer, failure, now)
        if order.lease_token != claim.token:
            return
        if failure is None:
            schedule_call(order, PendingCall.NONE, None)
            clear_attention(order, AttentionTopic.CANCEL)
            record_event(
                order, OrderEvent.Source.JUSTIFACTS, "cancel_taken", "Justifacts took the cancellation."
            )
        elif _is_refused(order, failure):
            schedule_call(order, PendingCall.NONE, None)
            flag_for_attention(
                order,
                AttentionTopic.CANCEL,
                f"Justifacts did not cancel order {order.justifacts_order_id}: {failure.sentence} "
                "The check may go on there and be billed. Call Justifacts to settle it.",
            )
        else:
            reschedule_call(order, failure, now)
            is_overdue = order.failing_since and now - order.failing_since > ASK_AFTER
            if (isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS) or is_overdue:
                flag_for_attention(
                    order,
                    AttentionTopic.CANCEL,
                    f"Justifacts has not taken the cancellation of order {order.justifacts_order_id} since "
                    f"{format_utc(order.failing_since or now)}: {failure.sentence} The portal goes on "
                    "trying. Call Justifacts if it is urgent.",
                )
        failpoint("cancel.before_commit")
    record_call_result(connection, Endpoint.JUSTIFACTS, failure, now, hide=claim.order.personal_data)


def _is_refused(order: Order, failure: CallFailed) -> bool:
    """Whether Justifacts declines to cancel: its decision, or the same unclear answer several times."""
    if isinstance(failure, UnclearRefusal):
        return not isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS - 1
    return isinstance(failure, Refused) and not isinstance(failure, Unauthorized)
