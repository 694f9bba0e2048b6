"""What a person may set going again: the admin's buttons and the command ``retry``."""

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


def retry(assessment_id: UUID, who: str) -> list[str]:
    """Makes everything that waits due now, and lets a refused update go again. Says what it did.

    An order whose placing is unknown is looked up again, never placed again. What waits for a key
    that works is made due, and waits on.
    """
    now = timezone.now()
    with locked_order(assessment_id) as order:
        done: list[Promise] = []
        if order.next_call != PendingCall.NONE and order.lease_token is None:
            order.next_attempt_at = now
            what = PendingCall(order.next_call).label
            done.append(format_lazy(_("{what} {when}"), what=what, when=_when(order)))
        updates = AshbyUpdate.objects.filter(order=order, lease_token=None)
        waiting = updates.filter(state__in=AshbyUpdate.UNDELIVERED).update(
            state=AshbyUpdate.State.WAITING, next_attempt_at=now
        )
        if waiting:
            clear_attention(order, AttentionTopic.DELIVERY)
            text = ngettext_lazy(
                "send {count} pending update to Ashby {when}",
                "send {count} pending updates to Ashby {when}",
                waiting,
            )
            done.append(format_lazy(text, count=waiting, when=_when_told(order)))
        if done:
            reset_cooldown(order.organization_id, now)
            record_staff_action(
                order, OrderEvent.Kind.RETRIED, f"{who} asked to {' and to '.join(map(untranslated, done))}."
            )
    return [str(each) for each in done]


def _when(order: Order) -> Promise:
    if order.organization.connection.is_enabled:
        return _("now")
    return _("as soon as an admin enables the connection")


def _when_told(order: Order) -> Promise:
    paused = order.organization.connection.paused_at is not None
    return _("as soon as Ashby accepts a key") if paused else _when(order)


def poll_now(assessment_id: UUID, who: str) -> bool:
    """Makes the order's poll due now. False: Justifacts cannot be asked about this order."""
    with locked_order(assessment_id) as order:
        if not can_be_polled(order):
            return False
        now = timezone.now()
        order.next_call, order.next_attempt_at = PendingCall.POLL, now
        order.release_lease()
        reset_cooldown(order.organization_id, now)
        record_staff_action(order, OrderEvent.Kind.POLL_ASKED, f"{who} asked Justifacts for the status now.")
    return True


def can_be_polled(order: Order) -> bool:
    """Whether Justifacts has the order and nothing else has to be said to it first. However long ago the
    order ended, and whoever cancelled it."""
    at_rest = order.next_call in (PendingCall.POLL, PendingCall.NONE) and not order.is_erased
    return at_rest and bool(order.justifacts_order_id)
