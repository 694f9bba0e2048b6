"""Cancelling: an order ends here at once, and at Justifacts as soon as Justifacts can be told."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import Attempt, CancelledBy, Concern, Event, InboundCall, NextCall, Order
from assessments.statuses import Status
from integrations.connections import justifacts_client
from integrations.crash_points import reach
from integrations.errors import (
    Answer,
    BudgetSpent,
    CallFailed,
    Refused,
    ServerError,
    Unauthorized,
    UnclearRefusal,
)
from integrations.justifacts.client import JustifactsClient, OrderNotFound
from integrations.models import Connection
from integrations.sides import note_justifacts

from .attempts import keep_attempt
from .attention import ask_human, settle
from .changing import changing, record
from .claiming import Claim, give_back
from .inbound import keep_about
from .moving import move
from .people import NotPossible, changing_by_person, record_person
from .plain import plain
from .scheduling import put_off, schedule
from .tell import tell_end
from .waits import ASK_AFTER, in_words

#: So often an error that says neither yes nor no is tried again before a person is asked.
UNCLEAR_CANCELS = 4


def cancel_by_ashby(
    connection: Connection, assessment_id: UUID | None, call: InboundCall, now: datetime
) -> Order:
    """Ashby may cancel at any time. A check that has ended stays as it is.

    Raises ``Order.DoesNotExist`` where the org has no such order.
    """
    own_orders = Order.objects.filter(organization=connection.organization_id)
    if assessment_id is None or not own_orders.filter(pk=assessment_id).exists():
        raise Order.DoesNotExist
    with changing(assessment_id) as order:
        if order.has_ended:
            record(
                order,
                Event.Source.ASHBY,
                "cancel_ignored",
                f"Ashby asked to cancel; the check was already {plain(Status(order.status).label).lower()}.",
            )
            keep_about(call, order, "already_ended")
        else:
            end_as_cancelled(order, "Cancelled in Ashby", Event.Source.ASHBY, now)
            keep_about(call, order, "cancelled")
    return order


def cancel_by_person(assessment_id: UUID, who: str, reason: str, now: datetime) -> None:
    """Cancels at both sides: Ashby's card says so with the reason, Justifacts is told to stop. Raises
    ``NotPossible``."""
    with changing_by_person(assessment_id) as order:
        if order.has_ended:
            status = order.get_status_display().lower()
            raise NotPossible(_("This check is %(status)s already.") % {"status": status})
        record_person(order, "cancel_asked", f"{who} cancelled the check at both sides.", reason)
        end_as_cancelled(
            order, f"Cancelled in the assessment portal: {reason.strip()}", Event.Source.PERSON, now
        )


def end_as_cancelled(order: Order, reason: str, source: Event.Source, now: datetime) -> None:
    """Ends an active order, tells Ashby, and decides what Justifacts must still be told. The
    caller holds and saves the order."""
    move(order, Status.CANCELLED, now)
    order.end_reason = reason
    order.cancelled_by = CancelledBy(source)
    order.status_is_unknown = False
    record(order, source, "cancelled", f"The check was cancelled: {reason}")
    tell_end(order, reason, now)
    if source == Event.Source.ASHBY:
        # Else Ashby has yet to learn of it, and a refused update in its way still needs a person.
        settle(order, Concern.DELIVERY)
    if order.next_call == NextCall.PLACE or (
        order.next_call == NextCall.LOOK_UP and source == Event.Source.JUSTIFACTS
    ):
        settle(order, Concern.PLACING)
    if source == Event.Source.JUSTIFACTS:
        schedule(order, NextCall.NONE, None)
    elif order.justifacts_order_id:
        schedule(order, NextCall.CANCEL, now)
    elif order.next_call == NextCall.PLACE and order.claim_token is None:
        schedule(order, NextCall.NONE, None)
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
