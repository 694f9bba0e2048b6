"""Telling Ashby again what it has been told before."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import Concern, Order, Update
from assessments.orders.staff import NotPossible, changing_by_person, record_person
from assessments.orders.transaction import changing, settle
from assessments.outbox.compose import tell_again


def set_aside(update_id: int, who: str, reason: str = "") -> bool:
    """Takes an update out of its lane, so that the later ones can go. False: Ashby has it already."""
    update = Update.objects.get(pk=update_id)
    with changing(update.order_id) as order:
        # What a human is asked about is the head of the lane.
        is_head = Update.objects.heads().filter(pk=update_id).exists()
        taken_out = Update.objects.filter(pk=update_id, state__in=Update.UNSAID, claim_token=None).update(
            state=Update.State.SET_ASIDE
        )
        if taken_out:
            if is_head:
                settle(order, Concern.DELIVERY)
            record_person(order, "set_aside", f"{who} set aside “{update.summary}”.", reason)
    return bool(taken_out)


_ENDS = {"assessment_result", "cancelled_reason"}


def may_be_resent(order: Order, updates: Sequence[Update]) -> list[Update]:
    """Of all the order's updates, oldest first, those from which on Ashby can be told again."""
    if order.is_erased or any(update.state in Update.UNSAID for update in updates):
        return []
    end = _the_end(order, updates)
    return [update for update in updates if end is None or update.sequence >= end.sequence]


def _the_end(order: Order, updates: Sequence[Update]) -> Update | None:
    """The update that told Ashby of the end, once the order has ended."""
    if not order.has_ended:
        return None
    return next((update for update in updates if _ENDS & update.payload.keys()), None)


def resend(update_id: int, who: str, reason: str) -> int:
    """Writes the update and all later ones of its order into the outbox once more: the same content
    in the same order, with timestamps that go on growing, so that Ashby ends where it should.

    Returns how many. Raises ``NotPossible`` while something waits: what was never told goes first.
    """
    chosen = Update.objects.get(pk=update_id)
    with changing_by_person(chosen.order_id) as order:
        updates = list(order.updates.order_by("sequence"))
        if any(update.state in Update.UNSAID for update in updates):
            raise NotPossible(
                _("Something still waits to be told to Ashby. Retry that first; this would overtake it.")
            )
        end = _the_end(order, updates)
        if end and chosen.sequence < end.sequence:
            raise NotPossible(
                _(
                    "The check has ended, and an earlier status would turn Ashby's card back. "
                    "Send “%(what)s” again instead."
                )
                % {"what": end.summary}
            )
        again = [update for update in updates if update.sequence >= chosen.sequence]
        now = timezone.now()
        for update in again:
            tell_again(order, update, now)
        later = f" and {len(again) - 1} later" if len(again) > 1 else ""
        record_person(order, "resent", f"{who} asked to tell Ashby “{chosen.summary}”{later} again.", reason)
    return len(again)
