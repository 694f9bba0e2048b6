"""What staff may do again: retry, poll now, and resend updates for Ashby; or skip an update instead."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import clear_attention, locked_order
from assessments.outbox.compose import enqueue_resend
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
            what = f"{by} asked to {' and to '.join(map(untranslated, done))}."
            record_staff_action(order, OrderEvent.Kind.RETRIED, what)
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


def skip_update(update_id: int, by: str, reason: str = "") -> bool:
    """Takes an undelivered update out of its queue, so that later ones can be sent. Returns False if Ashby
    has it, or if a worker is sending it."""
    update = AshbyUpdate.objects.get(pk=update_id)
    with locked_order(update.order_id) as order:
        # The question about the delivery concerns the first update in the queue.
        is_first = AshbyUpdate.objects.next_in_order().filter(pk=update_id).exists()
        idle = AshbyUpdate.objects.filter(pk=update_id, lease_token=None)
        skipped = idle.filter(state__in=AshbyUpdate.UNDELIVERED).update(state=AshbyUpdate.State.SKIPPED)
        if skipped:
            if is_first:
                clear_attention(order, AttentionTopic.DELIVERY)
            text = f"{by} skipped “{update.summary}”."
            record_staff_action(order, OrderEvent.Kind.SKIPPED, text, reason)
    return bool(skipped)


#: Only the update that reports the end of a check has one of these keys.
_END_KEYS = {"assessment_result", "cancelled_reason"}


def resendable_updates(order: Order, updates: Sequence[AshbyUpdate]) -> list[AshbyUpdate]:
    """The updates from which ``resend_updates`` may start. ``updates`` are all of the order's, oldest
    first."""
    if order.is_erased or any(update.state in AshbyUpdate.UNDELIVERED for update in updates):
        return []
    end = _end_update(order, updates)
    return [update for update in updates if end is None or update.sequence >= end.sequence]


def _end_update(order: Order, updates: Sequence[AshbyUpdate]) -> AshbyUpdate | None:
    """The update that reported the end of an ended order."""
    if not order.has_ended:
        return None
    return next((update for update in updates if _END_KEYS & update.payload.keys()), None)


def resend_updates(update_id: int, by: str, reason: str) -> int:
    """Writes the update and all later ones of its order to the outbox again: the same content in the same
    order with new, growing timestamps, so that Ashby's card ends in the right state.

    Returns how many. Raises ``NotPossible`` while an update is undelivered, and if the update would reset the
    card of an ended check.
    """
    chosen = AshbyUpdate.objects.get(pk=update_id)
    with locked_order_for_staff(chosen.order_id) as order:
        updates = list(order.updates.order_by("sequence"))
        if any(update.state in AshbyUpdate.UNDELIVERED for update in updates):
            text = gettext(
                "An update for Ashby is still pending. Retry it first; this one would overtake it."
            )
            raise NotPossible(text)
        end = _end_update(order, updates)
        if end and chosen.sequence < end.sequence:
            raise NotPossible(
                gettext(
                    "The check has ended, and sending an earlier status would reset Ashby's card. Send "
                    "“%(what)s” again instead."
                )
                % {"what": end.summary}
            )
        again = [update for update in updates if update.sequence >= chosen.sequence]
        now = timezone.now()
        for update in again:
            enqueue_resend(order, update, now)
        count = len(again) - 1
        later = f" and {count} later update{'' if count == 1 else 's'}" if count else ""
        text = f"{by} sent “{chosen.summary}”{later} to Ashby again."
        record_staff_action(order, OrderEvent.Kind.RESENT, text, reason)
    return len(again)
