"""Cancelling: an order ends here at once, and at Justifacts as soon as Justifacts can be told."""

from assessments.models import Attempt, Concern, Event, NextCall, Order
from assessments.orders.backoff import ASK_AFTER
from assessments.orders.call_log import keep_attempt
from assessments.orders.transaction import ask_human, changing, put_off, record, schedule, settle
from assessments.placement.lease import Claim, give_back
from assessments.text import in_words
from integrations.connections.clients import justifacts_client
from integrations.connections.health import note_justifacts
from integrations.failpoints import reach
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


def cancel_at_justifacts(claim: Claim) -> None:
    """Tells Justifacts that a cancelled order is not wanted any more; tries until it has taken it."""
    order = claim.order
    connection = order.organization.connection
    failure: CallFailed | None = None
    reach("cancel.claimed")
    try:
        answer = _cancel_all_numbers(justifacts_client(connection), order)
    except BudgetSpent as error:
        give_back(claim)
        note_justifacts(connection, error, claim.now())
        return
    except CallFailed as error:
        failure, answer = error, error.answer
    reach("cancel.called")
    now = claim.now()
    with changing(order.pk) as order:
        keep_attempt(order, Attempt.Call.CANCEL, answer, failure, now)
        if order.claim_token != claim.token:
            return
        if failure is None:
            schedule(order, NextCall.NONE, None)
            settle(order, Concern.CANCEL)
            record(order, Event.Source.JUSTIFACTS, "cancel_taken", "Justifacts took the cancellation.")
        elif _is_refused(order, failure):
            schedule(order, NextCall.NONE, None)
            ask_human(
                order,
                Concern.CANCEL,
                f"Justifacts did not cancel order {order.justifacts_order_id}: {failure.sentence} "
                "The check may go on there and be billed. Call Justifacts to settle it.",
            )
        else:
            put_off(order, failure, now)
            is_overdue = order.call_failing_since and now - order.call_failing_since > ASK_AFTER
            if (isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS) or is_overdue:
                ask_human(
                    order,
                    Concern.CANCEL,
                    f"Justifacts has not taken the cancellation of order {order.justifacts_order_id} since "
                    f"{in_words(order.call_failing_since or now)}: {failure.sentence} The portal goes on "
                    "trying. Call Justifacts if it is urgent.",
                )
        reach("cancel.before_commit")
    note_justifacts(connection, failure, now, hide=claim.order.personal_data)


def _is_refused(order: Order, failure: CallFailed) -> bool:
    """Whether Justifacts declines to cancel: its decision, or the same unclear answer several times."""
    if isinstance(failure, UnclearRefusal):
        return not isinstance(failure, ServerError) and order.call_failures >= UNCLEAR_CANCELS - 1
    return isinstance(failure, Refused) and not isinstance(failure, Unauthorized)
