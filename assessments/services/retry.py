"""What a person may set going again: the admin's buttons and the command ``retry``."""

from uuid import UUID

from django.utils import timezone

from assessments.models import Concern, Event, NextCall, Update

from .attention import settle
from .changing import changing, record


def retry(assessment_id: UUID, who: str) -> list[str]:
    """Makes everything that waits due now, and lets a refused update go again. Says what it did.

    An order whose placing is unknown is looked up again, never placed again.
    """
    now = timezone.now()
    with changing(assessment_id) as order:
        done = []
        if order.next_call != NextCall.NONE and order.claim_token is None:
            order.next_call_at = now
            done.append(f"{NextCall(order.next_call).label} now")
        updates = Update.objects.filter(order=order, claim_token=None)
        waiting = updates.filter(state__in=Update.UNSAID).update(state=Update.State.WAITING, due_at=now)
        if waiting:
            settle(order, Concern.DELIVERY)
            done.append(f"tell Ashby {waiting} waiting update{'s' if waiting > 1 else ''} now")
        if done:
            record(order, Event.Source.PERSON, "retried", f"{who} asked to {' and to '.join(done)}.")
    return done


def poll_now(assessment_id: UUID, who: str) -> bool:
    """Makes the order's poll due now. False: there is nothing to poll for."""
    with changing(assessment_id) as order:
        number = order.justifacts_order_id
        if order.next_call not in (NextCall.POLL, NextCall.NONE) or not number:
            return False
        if order.status in ("cancelled", "rejected"):
            return False
        order.next_call, order.next_call_at = NextCall.POLL, timezone.now()
        order.release()
        record(order, Event.Source.PERSON, "poll_asked", f"{who} asked Justifacts for the status now.")
    return True


def set_aside(update_id: int, who: str) -> bool:
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
            record(order, Event.Source.PERSON, "set_aside", f"{who} set aside “{update.summary}”.")
    return bool(taken_out)
