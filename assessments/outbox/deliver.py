"""Telling Ashby, one update of an order after the other, until Ashby has taken each.

Every outcome has one row here (``docs/protocol.md``):

    taken                   delivered; Ashby's warnings are kept
    not sent, unknown       again later: 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly; a proxy's page
                            (whatever its status) and a code of the server or never seen are among them;
                            Retry-After wins; after 24 h a human is asked, and the tries go on
    unauthorized            Ashby's own 401 or 403, or a code that speaks of the key: the org's deliveries
                            pause. One update tries every 5 minutes whether Ashby takes the key again;
                            then they go on by themselves
    not found               again later, while the order is young: its start may still be on the way
    body invalid            refused for good: a human is asked, and the lane waits for them
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from assessments.models import AshbyUpdate, AttentionTopic, CallAttempt, Order, OrderEvent
from assessments.models.leases import send_deadline
from assessments.orders.backoff import ASK_AFTER, backoff_delay
from assessments.orders.call_log import log_attempt
from assessments.orders.transaction import clear_attention, flag_for_attention, locked_order, record_event
from integrations.ashby.client import AssessmentNotFound, InvalidUpdate, warnings_of
from integrations.connections.api_keys import key_was_replaced
from integrations.connections.circuit_breaker import allow_request
from integrations.connections.clients import ashby_client
from integrations.connections.health import record_call_result
from integrations.connections.pauses import PROBE_EVERY, pause, resume, take_probe
from integrations.endpoints import Endpoint
from integrations.failpoints import failpoint
from integrations.http.errors import Answer, BudgetSpent, CallFailed, Unauthorized
from integrations.redaction import redact_text

#: Ashby may not have stored the ``assessment_id`` of our start answer when the first update comes.
NOT_FOUND_IS_EARLY = timedelta(minutes=15)


@dataclass(frozen=True)
class _Claimed:
    update: AshbyUpdate
    token: UUID
    sends_until: float
    is_probe: bool


def deliver_next(assessment_id: UUID) -> bool:
    """Sends the head of the order's lane, if it is due. True: Ashby took it, so the next may go."""
    claimed = _claim_head(assessment_id, timezone.now())
    if claimed is None:
        return False
    order = claimed.update.order
    connection = order.organization.connection
    failure: CallFailed | None = None
    key = None
    failpoint("deliver.claimed")
    try:
        client = ashby_client(connection)
        key = client.key
        answer = client.update(claimed.update.payload, order.personal_data, claimed.sends_until)
    except BudgetSpent as error:
        _give_back(claimed)
        record_call_result(connection, Endpoint.ASHBY, error, timezone.now())
        return False
    except CallFailed as error:
        failure, answer = error, error.answer
    failpoint("deliver.called")
    now = timezone.now()
    with locked_order(order.pk) as order:
        update = AshbyUpdate.objects.get(pk=claimed.update.pk)
        log_attempt(order, CallAttempt.Call.DELIVER, answer, failure, now, update=update)
        if update.lease_token != claimed.token:
            return False
        update.release()
        update.attempt_count += 1
        if isinstance(failure, Unauthorized) and key and key_was_replaced(connection, key):
            # The new key may work: it is tried at once, and nothing is paused for the old one.
            update.last_error, update.next_attempt_at = failure.message, now
        else:
            _settle_update(order, update, answer, failure, now)
            if claimed.is_probe and _takes_the_key(failure):
                _resume(order)
        update.save()
        failpoint("deliver.before_commit")
    failpoint("deliver.committed")
    record_call_result(connection, Endpoint.ASHBY, failure, now, hide=claimed.update.order.personal_data)
    return failure is None


def _claim_head(assessment_id: UUID, now: datetime) -> _Claimed | None:
    mine = AshbyUpdate.objects.not_leased(now).filter(order=assessment_id)
    head = mine.deliverable(now).select_related("order__organization__connection").first()
    is_probe = head is None
    if head is None:
        head = _probe_of(assessment_id, now)
    if head is None:
        return None
    until = send_deadline()
    token = AshbyUpdate.objects.filter(state=AshbyUpdate.State.WAITING, next_attempt_at__lte=now).claim(
        head.pk, now
    )
    if token is None:
        return None
    claimed = _Claimed(head, token, until, is_probe)
    connection = head.order.organization.connection
    # Asked last: while Ashby is broken one call at a time tries it, and that call must be made.
    if (is_probe and not take_probe(connection, now)) or not allow_request(connection, Endpoint.ASHBY, now):
        _give_back(claimed)
        return None
    return claimed


def _probe_of(assessment_id: UUID, now: datetime) -> AshbyUpdate | None:
    """The update with which the order's organization may try whether Ashby takes its key again: the oldest of
    all its orders, so that what is delivered first is what waits longest."""
    probes = (
        AshbyUpdate.objects.probing(now).not_leased(now).filter(order__organization__orders=assessment_id)
    )
    oldest = probes.select_related("order__organization__connection").first()
    return oldest if oldest and oldest.order_id == assessment_id else None


def _give_back(claimed: _Claimed) -> None:
    """It was not tried: the update is as it was before the claim."""
    AshbyUpdate.objects.filter(pk=claimed.update.pk, lease_token=claimed.token).update(
        lease_token=None, leased_until=None
    )


def _settle_update(
    order: Order, update: AshbyUpdate, answer: Answer, failure: CallFailed | None, now: datetime
) -> None:
    if failure is None:
        update.state, update.delivered_at = AshbyUpdate.State.DELIVERED, now
        update.failing_since, update.last_error = None, ""
        update.warnings = warnings_of(answer)
        clear_attention(order, AttentionTopic.DELIVERY)
        order.ashby_not_found_at = None
        return
    if isinstance(failure, AssessmentNotFound):
        order.ashby_not_found_at = order.ashby_not_found_at or now
    update.last_error = failure.message
    update.failing_since = update.failing_since or now
    if isinstance(failure, Unauthorized):
        _pause(order, failure, now)
    elif isinstance(failure, InvalidUpdate):
        _refused(order, update, failure)
    elif isinstance(failure, AssessmentNotFound):
        _not_found(order, update, failure, now)
    else:
        update.next_attempt_at = now + backoff_delay(update.attempt_count, failure.retry_after)
        if now - update.failing_since > ASK_AFTER:
            flag_for_attention(
                order,
                AttentionTopic.DELIVERY,
                f"Ashby could not be told “{update.summary}” for more than a day: {failure.sentence} "
                "The portal goes on trying every hour.",
            )


def _takes_the_key(failure: CallFailed | None) -> bool:
    """Whether Ashby has accepted the key. It has read the update with it, even where it declines that one."""
    return failure is None or isinstance(failure, InvalidUpdate | AssessmentNotFound)


def _resume(order: Order) -> None:
    if resume(order.organization):
        record_event(
            order,
            OrderEvent.Source.PORTAL,
            "resumed",
            f"Ashby takes the API key again; deliveries of {order.organization} go on.",
        )


def _pause(order: Order, failure: Unauthorized, now: datetime) -> None:
    status = f" ({failure.answer.status})" if failure.answer.status else ""
    reason = (
        f"Ashby refused the API key{status}: {failure.sentence} "
        f"Deliveries of {order.organization} are paused. An admin of {order.organization} has to choose "
        "a working key, or repair this one in Ashby and test the connection."
    )
    if failure.answer.status:
        minutes = round(PROBE_EVERY.total_seconds() / 60)
        reason += f" The portal tries one update every {minutes} minutes, and goes on once Ashby takes it."
    if pause(order.organization, redact_text(reason, order.personal_data), now):
        record_event(order, OrderEvent.Source.PORTAL, "paused", reason)


def _not_found(order: Order, update: AshbyUpdate, failure: AssessmentNotFound, now: datetime) -> None:
    """Ashby stores the id when our answer to its start arrives. A quarter of an hour after the last answer,
    that answer is lost, and only another start can bring it there (``lost_answer.py``)."""
    if now - (order.answered_again_at or order.created_at) <= NOT_FOUND_IS_EARLY:
        # Never longer than a minute: after a repeated start the attempts of before do not count.
        update.next_attempt_at = now + backoff_delay(min(update.attempt_count, 3), failure.retry_after)
        return
    update.state = AshbyUpdate.State.REFUSED
    flag_for_attention(
        order,
        AttentionTopic.DELIVERY,
        f"Ashby does not know this check, and refused “{update.summary}”: {failure.sentence} Probably our "
        "answer to the start was lost. Ask the recruiter to start the same check again in Ashby: Ashby then "
        "gets this check, and what waits is delivered. If nobody wants the check, cancel it here.",
    )


def _refused(order: Order, update: AshbyUpdate, failure: CallFailed) -> None:
    update.state = AshbyUpdate.State.REFUSED
    flag_for_attention(
        order,
        AttentionTopic.DELIVERY,
        f"Ashby refused “{update.summary}” for good: {failure.sentence} "
        "Later updates of this order wait for it. Retry it once the cause is resolved, or set it "
        "aside so that the later ones can go.",
    )
