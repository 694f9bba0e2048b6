"""Delivering updates to Ashby, in the order of each order's queue, until Ashby has accepted them.

Every outcome has one row here (``docs/protocol.md``):

    accepted                delivered; Ashby's warnings are kept
    not sent, unknown       retried after 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly, or as Retry-After
                            says; includes a proxy's page of any status, and a code about the server or an
                            unknown code. After 24 h the order needs attention; the retries continue
    unauthorized            Ashby's own 401 or 403, or a code about the key: the organization's deliveries
                            pause. Every 5 minutes one update is the probe; if Ashby accepts the key, the
                            deliveries resume
    not found               retried while the order is young, because Ashby may not have stored its id yet
    body invalid            refused permanently: the order needs attention, and its later updates wait
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

from assessments.models import AshbyUpdate, AttentionTopic, CallAttempt, Order, OrderEvent
from assessments.models.leases import send_deadline
from assessments.orders.call import ASK_AFTER, Lease, perform
from assessments.orders.transaction import backoff_delay, clear_attention, flag_for_attention, record_event
from assessments.recovery_log.log import log_end
from integrations.ashby.client import AssessmentNotFound, InvalidUpdate, warnings_of
from integrations.compiled import CompiledQuery
from integrations.connections.api_keys import key_was_replaced
from integrations.connections.circuit_breaker import is_blocked
from integrations.connections.clients import ashby_client
from integrations.connections.endpoints import Endpoint
from integrations.connections.pauses import PROBE_EVERY, pause, resume, take_probe
from integrations.http.errors import Answer, CallFailed, Unauthorized
from integrations.metrics import lease_takeovers_total
from integrations.redaction import redact_text

#: Until then "not found" may only mean that Ashby has not yet stored the ``assessment_id`` of our answer.
NOT_FOUND_IS_EARLY = timedelta(minutes=15)


def deliver_next(assessment_id: UUID) -> bool:
    """Send the order's next update, if it is due. Returns whether Ashby accepted it, so that the one after it
    may be sent."""
    delivery = _acquire_next(assessment_id, timezone.now())
    if delivery is None:
        return False
    outcome = perform(delivery.lease, CallAttempt.Call.DELIVER, delivery.send, delivery.record)
    if delivery.accepted_end:
        log_end(delivery.accepted_end)
    return isinstance(outcome, Answer)


@dataclass
class _Delivery:
    """One update under a lease. ``is_probe``: it tests whether Ashby accepts the key again."""

    lease: Lease[AshbyUpdate]
    is_probe: bool
    #: The key in use when the call was made.
    key: str = ""
    #: The update with which Ashby knows the end of the check, as the order is now.
    accepted_end: AshbyUpdate | None = None

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
            # The key was replaced during the call: try the new one at once, and do not pause for the old one.
            update.last_error, update.next_attempt_at = failure.message, now
            return
        order = update.order
        _settle_update(order, update, outcome, now)
        is_newest = update.sequence == order.last_sequence
        # An open question is not in the recovery log: after a restore, a poll has to raise it again.
        if failure is None and order.has_ended and is_newest and not order.needs_attention:
            self.accepted_end = update
        # An update that Ashby declines has been read, so the key was accepted.
        is_key_accepted = failure is None or isinstance(failure, InvalidUpdate | AssessmentNotFound)
        organization = update.order.organization
        if self.is_probe and is_key_accepted and resume(organization):
            what = f"Ashby accepts the API key again; deliveries of {organization} resume."
            record_event(update.order, OrderEvent.Source.PORTAL, OrderEvent.Kind.RESUMED, what)


def _acquire_next(assessment_id: UUID, now: datetime) -> _Delivery | None:
    """Lease the order's next update, if it is due. While deliveries are paused, only the organization's probe
    is due."""
    update = next(iter(_first_undelivered(assessment_id)), None)
    if update is None or update.state != AshbyUpdate.State.WAITING or update.next_attempt_at > now:
        return None
    connection = update.order.organization.connection
    if not connection.is_enabled or is_blocked(connection, Endpoint.ASHBY, now):
        return None
    is_probe = connection.paused_at is not None
    if is_probe and not _is_probe(update, now):
        return None
    deadline = send_deadline()
    due = AshbyUpdate.objects.filter(state=AshbyUpdate.State.WAITING, next_attempt_at__lte=now)
    token = due.acquire([update.pk], now)
    if token is None:
        return None
    if update.leased_until is not None:
        lease_takeovers_total.labels("delivery").inc()
    lease = Lease(update, update.order, token, deadline)
    if is_probe and not take_probe(connection, now):
        lease.release()
        return None
    return _Delivery(lease, is_probe)


_first_undelivered = CompiledQuery(
    lambda assessment_id: (
        AshbyUpdate.objects.filter(order=assessment_id, state__in=AshbyUpdate.UNDELIVERED)
        .filter(order__organization__connection__isnull=False)
        .select_related("order__organization__connection")
        .order_by("sequence")[:1]
    ),
    models.UUIDField(),
)


def _is_probe(update: AshbyUpdate, now: datetime) -> bool:
    """Whether this is the probe of its organization: of all its due updates, the one that has waited
    longest."""
    organization = update.order.organization
    probe_at = organization.connection.next_probe_at
    if probe_at is None or probe_at > now:
        return False
    due = AshbyUpdate.objects.due(now).filter(organization=organization)
    return due.order_by("next_attempt_at", "pk").first() == update


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
        update.state = AshbyUpdate.State.REFUSED
        text = (
            f"Ashby refused “{update.summary}” permanently: {failure.sentence} Later updates of this "
            "order wait for it. Retry it once the cause is fixed, or skip it so that the later ones are "
            "delivered."
        )
        flag_for_attention(order, AttentionTopic.DELIVERY, text)
    elif isinstance(failure, AssessmentNotFound):
        _not_found(order, update, failure, now)
    else:
        update.next_attempt_at = now + backoff_delay(update.attempt_count, failure.retry_after)
        if now - update.failing_since > ASK_AFTER:
            what = (
                f"Ashby has not accepted “{update.summary}” for more than a day: {failure.sentence} "
                "The portal keeps retrying every hour."
            )
            flag_for_attention(order, AttentionTopic.DELIVERY, what)


def _pause(order: Order, failure: Unauthorized, now: datetime) -> None:
    status = f" ({failure.answer.status})" if failure.answer.status else ""
    reason = (
        f"Ashby refused the API key{status}: {failure.sentence} "
        f"Deliveries of {order.organization} are paused. An admin of {order.organization} has to choose "
        "a working key, or fix this one in Ashby and test the connection."
    )
    if failure.answer.status:
        minutes = round(PROBE_EVERY.total_seconds() / 60)
        reason += f" The portal sends one update every {minutes} minutes, and resumes once Ashby accepts it."
    if pause(order.organization, redact_text(reason, order.personal_data), now):
        record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.PAUSED, reason)


def _not_found(order: Order, update: AshbyUpdate, failure: AssessmentNotFound, now: datetime) -> None:
    """Ashby stores the id when our answer to its start arrives. If it does not know the id
    ``NOT_FOUND_IS_EARLY`` after the last answer, that answer was lost, and only another start can deliver the
    id (``intake/lost_answer.py``)."""
    if now - (order.answered_again_at or order.created_at) <= NOT_FOUND_IS_EARLY:
        # At most a minute: attempts before a repeated start do not count.
        update.next_attempt_at = now + backoff_delay(min(update.attempt_count, 3), failure.retry_after)
        return
    update.state = AshbyUpdate.State.REFUSED
    text = (
        f"Ashby does not know this check, and refused “{update.summary}”: {failure.sentence} The portal’s "
        "answer to the start was probably lost. Ask the recruiter to start the same check again in Ashby: "
        "Ashby then gets this check, and the waiting updates are delivered. If the check is not wanted, "
        "cancel it here."
    )
    flag_for_attention(order, AttentionTopic.DELIVERY, text)
