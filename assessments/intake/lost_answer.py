"""When the answer to a start is lost, the order exists but Ashby does not know its id.

Ashby then answers an update of the order with "not found". Until Ashby accepts an update, a repeated start
gets the first answer again, so that Ashby stores the order's id and can show and cancel the check.

This includes a completed order if Ashby never accepted an update of it. Usually a start after completion
creates a new order, because the recruiter has seen the result and wants another check. Here no recruiter has
seen a result, so the start is still the first, and a second order would bill a second report. A cancelled or
rejected order is never answered again: its start failed, and the recruiter wants a new order.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from assessments.models import AshbyUpdate, AttentionTopic, InboundRequest, Order, OrderEvent
from assessments.orders.call_log import log_result
from assessments.orders.transaction import clear_attention, locked_order, record_event
from assessments.outbox.compose import enqueue_present_status
from assessments.statuses import ENDED, Status

#: The delay of the waiting updates, because Ashby stores the id only after it has received our answer.
_STORED_AFTER = timedelta(seconds=5)


def replay_window() -> timedelta:
    """How long a repeated start gets the first answer again in any case."""
    return timedelta(seconds=settings.ASSESSMENT_START_REPLAY_SECONDS)


def completed_without_ashby(since: datetime) -> Q:
    """Completed orders whose id Ashby never stored, and those that were answered again after ``since``: if
    Ashby repeats that start, their updates may already be delivered."""
    accepted = AshbyUpdate.objects.filter(order=OuterRef("pk"), state=AshbyUpdate.State.DELIVERED)
    never_stored = Q(ashby_not_found_at__isnull=False) & ~Exists(accepted)
    just_answered = Q(answered_again_at__gte=since)
    return Q(status=Status.COMPLETE, erased_at=None) & (never_stored | just_answered)


def answer_again(assessment_id: UUID, call: InboundRequest, now: datetime) -> Order | None:
    """Record that Ashby gets the first answer again, and make the waiting updates due. None if the order was
    cancelled or rejected in the meantime."""
    with locked_order(assessment_id) as order:
        if order.status in ENDED - {Status.COMPLETE}:
            return None
        if order.answered_again_at is None or now - order.answered_again_at > replay_window():
            text = (
                "Ashby started this check again after it had answered that it does not know it: the first "
                "answer was lost. Ashby got the same answer again, and the waiting updates are delivered."
            )
            record_event(order, OrderEvent.Source.ASHBY, OrderEvent.Kind.ANSWERED_AGAIN, text)
        order.answered_again_at = now
        clear_attention(order, AttentionTopic.DELIVERY)
        order.updates.filter(state__in=AshbyUpdate.UNDELIVERED, lease_token=None).update(
            state=AshbyUpdate.State.WAITING, next_attempt_at=now + _STORED_AFTER
        )
        newest = order.updates.order_by("sequence").last()
        if newest and newest.state not in AshbyUpdate.UNDELIVERED:
            # Ashby's new card shows the first answer, and no update is waiting.
            enqueue_present_status(order, now)
            order.updates.filter(state=AshbyUpdate.State.WAITING, attempt_count=0).update(
                next_attempt_at=now + _STORED_AFTER
            )
        log_result(call, order, "repeated")
    return order
