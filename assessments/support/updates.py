"""Skip an update for Ashby, or send delivered updates again."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import clear_attention, locked_order
from assessments.outbox.compose import enqueue_resend


def skip_update(update_id: int, by: str, reason: str = "") -> bool:
    """Takes an undelivered update out of its queue, so that later ones can be sent. Returns False if Ashby
    has it, or if a worker is sending it."""
    update = AshbyUpdate.objects.get(pk=update_id)
    with locked_order(update.order_id) as order:
        # The question about the delivery concerns the first update in the queue.
        is_first = AshbyUpdate.objects.next_in_order().filter(pk=update_id).exists()
        skipped = AshbyUpdate.objects.filter(
            pk=update_id, state__in=AshbyUpdate.UNDELIVERED, lease_token=None
        ).update(state=AshbyUpdate.State.SKIPPED)
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
            raise NotPossible(
                _("An update for Ashby is still pending. Retry it first; this one would overtake it.")
            )
        end = _end_update(order, updates)
        if end and chosen.sequence < end.sequence:
            raise NotPossible(
                _(
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
