"""Retry and poll now, for the admin's buttons and the command ``retry``."""

from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import record_staff_action
from assessments.orders.transaction import clear_attention, locked_order
from assessments.text import untranslated
from integrations.connections.circuit_breaker import reset_cooldown


def retry(assessment_id: UUID, by: str) -> list[str]:
    """Makes all pending work of the order due now, including a refused update, and resets the circuit
    breaker.

    Returns a phrase for each thing that will happen, in the reader's language; empty if nothing is pending.
    An order with an unknown placement is looked up, never placed again. Paused deliveries stay paused.
    """
    now = timezone.now()
    with locked_order(assessment_id) as order:
        done: list[Promise] = []
        if order.next_call != PendingCall.NONE and order.lease_token is None:
            order.next_attempt_at = now
            call = PendingCall(order.next_call).label
            done.append(format_lazy(_("{what} {when}"), what=call, when=_when(order)))
        updates = AshbyUpdate.objects.filter(order=order, lease_token=None)
        pending = updates.filter(state__in=AshbyUpdate.UNDELIVERED).update(
            state=AshbyUpdate.State.WAITING, next_attempt_at=now
        )
        if pending:
            clear_attention(order, AttentionTopic.DELIVERY)
            text = ngettext_lazy(
                "send {count} pending update to Ashby {when}",
                "send {count} pending updates to Ashby {when}",
                pending,
            )
            done.append(format_lazy(text, count=pending, when=_when_delivered(order)))
        if done:
            reset_cooldown(order.organization_id, now)
            record_staff_action(
                order, OrderEvent.Kind.RETRIED, f"{by} asked to {' and to '.join(map(untranslated, done))}."
            )
    return [str(phrase) for phrase in done]


def _when(order: Order) -> Promise:
    if order.organization.connection.is_enabled:
        return _("now")
    return _("as soon as an admin enables the connection")


def _when_delivered(order: Order) -> Promise:
    paused = order.organization.connection.paused_at is not None
    return _("as soon as Ashby accepts a key") if paused else _when(order)


def poll_now(assessment_id: UUID, by: str) -> bool:
    """Makes a poll due now. Returns False, and changes nothing, if the order cannot be polled."""
    with locked_order(assessment_id) as order:
        if not can_be_polled(order):
            return False
        now = timezone.now()
        order.next_call, order.next_attempt_at = PendingCall.POLL, now
        order.release_lease()
        reset_cooldown(order.organization_id, now)
        text = f"{by} asked Justifacts for the status now."
        record_staff_action(order, OrderEvent.Kind.POLL_REQUESTED, text)
    return True


def can_be_polled(order: Order) -> bool:
    """Whether Justifacts has the order and no other call is pending. An ended order can be polled too."""
    is_idle = order.next_call in (PendingCall.POLL, PendingCall.NONE)
    return is_idle and bool(order.justifacts_order_id) and not order.is_erased
