"""Delivering to Ashby, one update of an order after the other, until Ashby has accepted each.

Every outcome has one row here (``docs/protocol.md``):

    accepted                delivered; Ashby's warnings are kept
    not sent, unknown       retried after 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly; a proxy's page
                            (whatever its status) and a code of the server or never seen are among them;
                            Retry-After wins; after 24 h a person is asked, and the retries go on
    unauthorized            Ashby's own 401 or 403, or a code that speaks of the key: the organization's
                            deliveries pause. Every 5 minutes one update probes whether Ashby accepts the key
                            again; then they resume by themselves
    not found               retried while the order is young: its start may still be on the way
    body invalid            refused for good: a person is asked, and the order's later updates wait
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from assessments.models import AshbyUpdate, AttentionTopic, CallAttempt, Order, OrderEvent
from assessments.models.leases import send_deadline
from assessments.orders.backoff import ASK_AFTER, backoff_delay
from assessments.orders.call import Lease, perform
from assessments.orders.transaction import clear_attention, flag_for_attention, record_event
from integrations.ashby.client import AssessmentNotFound, InvalidUpdate, warnings_of
from integrations.connections.api_keys import key_was_replaced
from integrations.connections.clients import ashby_client
from integrations.connections.pauses import PROBE_EVERY, pause, resume, take_probe
from integrations.http.errors import Answer, CallFailed, Unauthorized
from integrations.redaction import redact_text

#: Ashby may not have stored the ``assessment_id`` of our start answer when the first update comes.
NOT_FOUND_IS_EARLY = timedelta(minutes=15)


def deliver_next(assessment_id: UUID) -> bool:
    """Send the order's next update, if it is due. True: Ashby accepted it, so the following one may go."""
    delivery = _acquire_next(assessment_id, timezone.now())
    if delivery is None:
        return False
    outcome = perform(delivery.lease, CallAttempt.Call.DELIVER, delivery.send, delivery.record)
    return isinstance(outcome, Answer)


@dataclass
class _Delivery:
    """One update under a lease. ``is_probe``: it tries whether Ashby accepts a key that it has refused."""

    lease: Lease[AshbyUpdate]
    is_probe: bool
    #: The key in use when the call was made.
    key: str = ""

    def send(self) -> Answer:
        client = ashby_client(self.lease.order.organization.connection)
        self.key = client.key
        hide = self.lease.order.personal_data
        return client.update(self.lease.row.payload, hide, self.lease.send_deadline)

    def record(self, update: AshbyUpdate, outcome: Answer | CallFailed, now: datetime) -> None:
        update.release_lease()
        update.attempt_count += 1
        failure = outcome if isinstance(outcome, CallFailed) else None
        connection = self.lease.order.organization.connection
        if isinstance(failure, Unauthorized) and self.key and key_was_replaced(connection, self.key):
            # The new key may work: it is tried at once, and nothing is paused for the old one.
            update.last_error, update.next_attempt_at = failure.message, now
            return
        _settle_update(update.order, update, outcome, now)
        if self.is_probe and _accepts_the_key(failure):
            _resume(update.order)


def _acquire_next(assessment_id: UUID, now: datetime) -> _Delivery | None:
    """Lease the order's next update, if it is due: updates of one order go out one by one, in order. While
    deliveries are paused, only the organization's probe is due."""
    free = AshbyUpdate.objects.not_leased(now).filter(order=assessment_id)
    update = free.deliverable(now).select_related("order__organization__connection").first()
    is_probe = update is None
    update = update or _probe_of(assessment_id, now)
    if update is None:
        return None
    deadline = send_deadline()
    due = AshbyUpdate.objects.filter(state=AshbyUpdate.State.WAITING, next_attempt_at__lte=now)
    token = due.acquire([update.pk], now)
    if token is None:
        return None
    lease = Lease(update, update.order, token, deadline)
    if is_probe and not take_probe(update.order.organization.connection, now):
        lease.release()
        return None
    return _Delivery(lease, is_probe)


def _probe_of(assessment_id: UUID, now: datetime) -> AshbyUpdate | None:
    """The update with which the order's organization may try whether Ashby accepts its key again: the oldest
    of all its orders, so that what is delivered first is what has waited longest."""
    probes = (
        AshbyUpdate.objects.probing(now).not_leased(now).filter(order__organization__orders=assessment_id)
    )
    oldest = probes.select_related("order__organization__connection").first()
    return oldest if oldest and oldest.order_id == assessment_id else None


def _settle_update(order: Order, update: AshbyUpdate, outcome: Answer | CallFailed, now: datetime) -> None:
    if isinstance(outcome, Answer):
        update.state, update.delivered_at = AshbyUpdate.State.DELIVERED, now
        update.failing_since, update.last_error = None, ""
        update.warnings = warnings_of(outcome)
        clear_attention(order, AttentionTopic.DELIVERY)
        order.ashby_not_found_at = None
        return
    failure = outcome
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


def _accepts_the_key(failure: CallFailed | None) -> bool:
    """Whether Ashby accepts the key: it has read the update, even if it declines that one."""
    return failure is None or isinstance(failure, InvalidUpdate | AssessmentNotFound)


def _resume(order: Order) -> None:
    if resume(order.organization):
        record_event(
            order,
            OrderEvent.Source.PORTAL,
            OrderEvent.Kind.RESUMED,
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
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.PAUSED, reason)


def _not_found(order: Order, update: AshbyUpdate, failure: AssessmentNotFound, now: datetime) -> None:
    """Ashby stores the id when our answer to its start arrives. A quarter of an hour after the last answer,
    that answer is lost, and only another start can bring the id there (``lost_answer.py``)."""
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
