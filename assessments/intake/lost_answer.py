"""The answer to a start can get lost on its way: the order exists, and Ashby does not know its id.

The sign is that Ashby answers an update of the order with "not found". Until Ashby accepts an update, the
same start gets the first answer again, so that Ashby learns the order's id and can show and cancel the check.

A completed order is answered again too, if Ashby never accepted an update of it. "After complete, a new
start is a new order" is for a recruiter who has seen the outcome and wants another check. Here no recruiter
has seen one: their start is still the first, and a second order would bill a second report on the person. A
cancelled or rejected order is never answered again: its start failed, and a new one is meant.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from assessments.models import AshbyUpdate, AttentionTopic, InboundRequest, Order, OrderEvent
from assessments.orders.call_log import log_result
from assessments.orders.transaction import clear_attention, locked_order, record_event
from assessments.outbox.compose import ashby_label, enqueue_completion, enqueue_raw_status, enqueue_status
from assessments.statuses import ASHBY_LABELS, ENDED, Status

# Ashby stores the id only once our answer has reached it.
_STORED_AFTER = timedelta(seconds=5)


def replay_window() -> timedelta:
    """How long a repeated start gets the first answer again, whatever else is known."""
    return timedelta(seconds=settings.ASSESSMENT_START_REPLAY_SECONDS)


def completed_without_ashby(now: datetime) -> Q:
    """Completed orders that Ashby never learned of, and those whose id it has just been given: when Ashby
    repeats that start once more, the outbox is delivering already."""
    taken = AshbyUpdate.objects.filter(order=OuterRef("pk"), state=AshbyUpdate.State.DELIVERED)
    never_learned = Q(ashby_not_found_at__isnull=False) & ~Exists(taken)
    just_answered = Q(answered_again_at__gte=now - replay_window())
    return Q(status=Status.COMPLETE, erased_at=None) & (never_learned | just_answered)


def answer_again(assessment_id: UUID, call: InboundRequest, now: datetime) -> Order | None:
    """Record that Ashby gets the first answer again, and make the waiting updates due. None if the order was
    cancelled or rejected in the meantime."""
    with locked_order(assessment_id) as order:
        if order.status in ENDED - {Status.COMPLETE}:
            return None
        if order.answered_again_at is None or now - order.answered_again_at > replay_window():
            record_event(
                order,
                OrderEvent.Source.ASHBY,
                OrderEvent.Kind.ANSWERED_AGAIN,
                "Ashby started this check again after it had said that it does not know it: the first answer "
                "was lost. Ashby got the same answer again, and what waits is delivered.",
            )
        order.answered_again_at = now
        clear_attention(order, AttentionTopic.DELIVERY)
        order.updates.filter(state__in=AshbyUpdate.UNDELIVERED, lease_token=None).update(
            state=AshbyUpdate.State.WAITING, next_attempt_at=now + _STORED_AFTER
        )
        newest = order.updates.order_by("sequence").last()
        if newest and newest.state not in AshbyUpdate.UNDELIVERED:
            _enqueue_present_status(order, now)
        log_result(call, order, "repeated")
    return order


def _enqueue_present_status(order: Order, now: datetime) -> None:
    """Queue the order's present status: Ashby's new card shows the first answer, and no waiting update would
    change it."""
    status = Status(order.status)
    if order.status_unrecognized:
        enqueue_raw_status(order, ashby_label(order), now)
    elif status == Status.COMPLETE:
        enqueue_completion(order, now)
    elif status in ASHBY_LABELS:
        enqueue_status(order, status, now)
    order.updates.filter(state=AshbyUpdate.State.WAITING, attempt_count=0).update(
        next_attempt_at=now + _STORED_AFTER
    )
