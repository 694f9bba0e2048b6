"""Telling Ashby again what it has been told before."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import clear_attention, locked_order
from assessments.outbox.compose import enqueue_resend


def skip_update(update_id: int, who: str, reason: str = "") -> bool:
    """Takes an update out of its lane, so that the later ones can go. False: Ashby has it already."""
    update = AshbyUpdate.objects.get(pk=update_id)
    with locked_order(update.order_id) as order:
        # What a human is asked about is the head of the lane.
        is_head = AshbyUpdate.objects.next_in_order().filter(pk=update_id).exists()
        taken_out = AshbyUpdate.objects.filter(
            pk=update_id, state__in=AshbyUpdate.UNDELIVERED, lease_token=None
        ).update(state=AshbyUpdate.State.SKIPPED)
        if taken_out:
            if is_head:
                clear_attention(order, AttentionTopic.DELIVERY)
            what = f"{who} skipped “{update.summary}”."
            record_staff_action(order, OrderEvent.Kind.SKIPPED, what, reason)
    return bool(taken_out)


_ENDS = {"assessment_result", "cancelled_reason"}


def resendable_updates(order: Order, updates: Sequence[AshbyUpdate]) -> list[AshbyUpdate]:
    """Of all the order's updates, oldest first, those from which on Ashby can be told again."""
    if order.is_erased or any(update.state in AshbyUpdate.UNDELIVERED for update in updates):
        return []
    end = _the_end(order, updates)
    return [update for update in updates if end is None or update.sequence >= end.sequence]


def _the_end(order: Order, updates: Sequence[AshbyUpdate]) -> AshbyUpdate | None:
    """The update that told Ashby of the end, once the order has ended."""
    if not order.has_ended:
        return None
    return next((update for update in updates if _ENDS & update.payload.keys()), None)


def resend_updates(update_id: int, who: str, reason: str) -> int:
    """Writes the update and all later ones of its order into the outbox once more: the same content
    in the same order, with timestamps that go on growing, so that Ashby ends where it should.

    Returns how many. Raises ``NotPossible`` while something waits: what was never told goes first.
    """
    chosen = AshbyUpdate.objects.get(pk=update_id)
    with locked_order_for_staff(chosen.order_id) as order:
        updates = list(order.updates.order_by("sequence"))
        if any(update.state in AshbyUpdate.UNDELIVERED for update in updates):
            raise NotPossible(
                _("An update for Ashby is still pending. Retry it first; this one would overtake it.")
            )
        end = _the_end(order, updates)
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
        later = f" and {len(again) - 1} later" if len(again) > 1 else ""
        record_staff_action(
            order,
            OrderEvent.Kind.RESENT,
            f"{who} asked to tell Ashby “{chosen.summary}”{later} again.",
            reason,
        )
    return len(again)
