"""Placing an order at Justifacts, once (``docs/protocol.md``, "Placing once").

An attempt ends as *accepted*, *refused*, *not sent* (try again) or *unknown* (``placing_failures.py``). After
*unknown*, Justifacts is asked by our reference: found, that order is adopted; certainly not found, it is
placed again; no certain answer, a human is asked, and no machine places it again. "Not found" is certain in
the protocol's JSON alone, with a code that speaks of the order: a 404 page says nothing.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from assessments.models import AttentionTopic, CallAttempt, Order, OrderEvent, PendingCall
from assessments.orders.backoff import backoff_delay
from assessments.orders.call_log import log_attempt
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    locked_order,
    record_event,
    reschedule_call,
    schedule_call,
)
from assessments.placement.cancel import cancel_at_justifacts
from assessments.placement.failures import (
    clear_placement_failures,
    record_placement_failure,
    reject_after_repeated_refusal,
)
from assessments.placement.lease import (
    Lease,
    acquire_lease,
    justifacts_is_not_blocked,
    may_call,
    recover_abandoned_placement,
    release_lease,
)
from assessments.placement.look_up import never_sent, requires_look_up
from assessments.tracking.apply import apply_status, link_provider_order, note_provider_order
from assessments.tracking.not_understood import record_not_understood
from integrations.connections.clients import justifacts_client
from integrations.connections.health import record_call_result
from integrations.endpoints import Endpoint
from integrations.failpoints import failpoint
from integrations.http.errors import Answer, BudgetSpent, CallFailed, Refused
from integrations.justifacts.client import Found, OrderNotFound, Placed

#: "Not found" counts as certain when it is said twice, this far apart.
SECOND_LOOK_UP = timedelta(seconds=10)
#: ... and, after a call that nobody answered or that was interrupted, not before this: Justifacts may
#: still have been at it.
CERTAIN_AFTER_SILENCE = timedelta(seconds=20)
#: Look-ups without a certain answer before a human is asked.
UNCERTAIN_LOOK_UPS = 3
_ANSWERED = "with its answer"


def call_justifacts(assessment_id: UUID) -> bool:
    """Makes the order's next call to Justifacts, if one is due. False: there was nothing to do."""
    now = timezone.now()
    recover_abandoned_placement(assessment_id, now)
    if not justifacts_is_not_blocked(assessment_id, now):
        return False
    claimed = acquire_lease(assessment_id, (PendingCall.PLACE, PendingCall.LOOK_UP, PendingCall.CANCEL), now)
    if claimed is None:
        return False
    if claimed.order.next_call == PendingCall.PLACE and _goes_without_a_call(claimed):
        return True
    if not may_call(claimed):
        return False
    if claimed.order.next_call == PendingCall.CANCEL:
        cancel_at_justifacts(claimed)
    elif claimed.order.next_call == PendingCall.LOOK_UP:
        _look_up(claimed)
    else:
        _place(claimed)
    return True


def _goes_without_a_call(claimed: Lease) -> bool:
    """Whether the placing was settled without one. Decided before the side's breaker is asked: while that
    is open it lets a single call through, which must be made."""
    if claimed.order.has_ended:
        with locked_order(claimed.order.pk) as order:
            schedule_call(order, PendingCall.NONE, None)
        return True
    return requires_look_up(claimed)


def _place(claimed: Lease) -> None:
    order = claimed.order
    connection = order.organization.connection
    outcome: Placed | CallFailed
    failpoint("place.claimed")
    try:
        client = justifacts_client(connection)
        outcome = client.start(order.start_request, str(order.assessment_id), claimed.sends_until)
    except BudgetSpent as error:
        release_lease(claimed)
        record_call_result(connection, Endpoint.JUSTIFACTS, error, claimed.now())
        return
    except CallFailed as error:
        outcome = error
    failpoint("place.called")
    now = claimed.now()
    with locked_order(order.pk) as order:
        _keep(order, CallAttempt.Call.PLACE, outcome, now)
        if order.lease_token != claimed.token:
            _too_late(order, outcome, now)
            return
        if isinstance(outcome, Placed):
            _accepted(order, outcome, now)
        else:
            record_placement_failure(order, outcome, now)
        failpoint("place.before_commit")
    failpoint("place.committed")
    failure = outcome if isinstance(outcome, CallFailed) else outcome.not_understood
    record_call_result(connection, Endpoint.JUSTIFACTS, failure, now, hide=claimed.order.personal_data)


def _look_up(claimed: Lease) -> None:
    order = claimed.order
    connection = order.organization.connection
    outcome: Found | CallFailed
    failpoint("look_up.claimed")
    try:
        outcome = justifacts_client(connection).status(
            reference_id=str(order.assessment_id), hide=order.personal_data
        )
    except BudgetSpent as error:
        release_lease(claimed)
        record_call_result(connection, Endpoint.JUSTIFACTS, error, claimed.now())
        return
    except CallFailed as error:
        outcome = error
    failpoint("look_up.called")
    now = claimed.now()
    with locked_order(order.pk) as order:
        _keep(order, CallAttempt.Call.LOOK_UP, outcome, now)
        if order.lease_token != claimed.token:
            return
        if isinstance(outcome, Found):
            _found(order, outcome, now)
        elif isinstance(outcome, OrderNotFound):
            _not_found(order, now)
        else:
            _uncertain(order, outcome, now)
        failpoint("look_up.before_commit")
    failure = outcome if isinstance(outcome, CallFailed) else outcome.not_understood
    record_call_result(connection, Endpoint.JUSTIFACTS, failure, now, hide=claimed.order.personal_data)


def _keep(order: Order, call: CallAttempt.Call, outcome: Placed | Found | CallFailed, now: datetime) -> None:
    failure = outcome if isinstance(outcome, CallFailed) else None
    answer: Answer = outcome.answer
    log_attempt(order, call, answer, failure, now)


def _too_late(order: Order, outcome: Placed | CallFailed, now: datetime) -> None:
    """A push told us of the order before Justifacts' answer did, or the claim ended meanwhile. That
    Justifacts has the order is true all the same, and nobody may place it again."""
    if not isinstance(outcome, Placed) or order.is_erased:
        return
    if not order.justifacts_order_id:
        _accepted(order, outcome, now)
    elif note_provider_order(order, outcome.justifacts_order_id, _ANSWERED, now) and outcome.word:
        apply_status(order, outcome.word, _ANSWERED, now)


def _accepted(order: Order, placed: Placed, now: datetime) -> None:
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        "placed",
        f"Justifacts took the order as number {placed.justifacts_order_id}.",
    )
    link_provider_order(order, placed.justifacts_order_id, now)
    clear_placement_failures(order)
    if placed.not_understood:
        record_not_understood(order, placed.not_understood, "in answer to the order")
    if placed.word and order.justifacts_order_id == placed.justifacts_order_id:
        apply_status(order, placed.word, _ANSWERED, now)


def _found(order: Order, found: Found, now: datetime) -> None:
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        "adopted",
        f"Justifacts had taken the order, as number {found.justifacts_order_id}.",
    )
    link_provider_order(order, found.justifacts_order_id, now)
    clear_placement_failures(order)
    if found.not_understood:
        record_not_understood(order, found.not_understood, "when asked")
    if found.word and order.justifacts_order_id == found.justifacts_order_id:
        apply_status(order, found.word, "when asked", now)


def _not_found(order: Order, now: datetime) -> None:
    if never_sent(order):
        schedule_call(order, PendingCall.PLACE, now)
        return
    order.not_found_count += 1
    order.release()
    since = order.failing_since
    if order.not_found_count < 2 or (since and now - since < CERTAIN_AFTER_SILENCE):
        order.next_attempt_at = now + SECOND_LOOK_UP
    elif order.has_ended:
        schedule_call(order, PendingCall.NONE, None)
        clear_attention(order, AttentionTopic.PLACING)
        record_event(order, OrderEvent.Source.JUSTIFACTS, "not_taken", "Justifacts never took the order.")
    elif order.placing_refusal_repeated:
        reject_after_repeated_refusal(order, now)
    elif order.needs_attention and order.placing_unavailable_since is None:
        order.next_attempt_at = now + backoff_delay(order.not_found_count + 3)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            "Justifacts now says that it has no such order. It was unsure before, so the portal does not "
            "place it again by itself. Ask Justifacts, then place it again or cancel it.",
        )
    else:
        count = order.placing_unavailable_count
        schedule_call(order, PendingCall.PLACE, now + backoff_delay(count) if count else now)
        record_event(
            order,
            OrderEvent.Source.JUSTIFACTS,
            "not_taken",
            "Justifacts has not taken the order; the portal places it again.",
        )


def _uncertain(order: Order, failure: CallFailed, now: datetime) -> None:
    order.not_found_count = 0
    if isinstance(failure, Refused) and never_sent(order):
        # Justifacts does not answer such questions; that it has waited long is no doubt by itself.
        schedule_call(order, PendingCall.PLACE, now)
        return
    refusal = order.last_call_error
    reschedule_call(order, failure, now)
    if order.placing_refusal_repeated:
        order.last_call_error = refusal
    if isinstance(failure, Refused) or order.call_failures >= UNCERTAIN_LOOK_UPS:
        order.placing_unavailable_since = None  # No machine places it again now.
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            "Whether Justifacts took the order is not known, and Justifacts gives no certain answer: "
            f"{failure.sentence} The portal goes on asking, but will not place the order again. Ask "
            "Justifacts whether it has an order with this reference.",
        )
