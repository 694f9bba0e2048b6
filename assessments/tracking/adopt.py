"""Finds the order that a message is about, and links orders to their numbers at Justifacts."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from assessments.models import AttentionTopic, CancelledBy, Order, OrderEvent, PendingCall
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    record_event,
    schedule_call,
    set_status,
)
from assessments.outbox.compose import enqueue_status
from assessments.statuses import Status, may_follow
from assessments.tracking.order_number import is_another_number, is_taken, names_our_order, offer_number
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate
from integrations.partner_protocol.parsing import as_uuid, spellings


def find_order(connection: Connection, update: AssessmentUpdate) -> Order:
    """The order that a message is about: by our reference; otherwise by Justifacts' number, or by our id in
    the place of theirs. Raises ``Order.DoesNotExist``."""
    # Unordered: SQLite would rather walk all of the organization's orders by date than sort the one it finds.
    orders = Order.objects.order_by().filter(organization=connection.organization_id)
    if update.reference_id:
        return _by_our_id(orders, update.reference_id)
    if not update.assessment_id:
        # An empty text would match every order that has no number yet.
        raise Order.DoesNotExist
    numbers = spellings(update.assessment_id)
    for by in (
        Q(justifacts_order_id__in=numbers),
        Q(offered_order_number__in=numbers) | Q(former_order_number__in=numbers),
    ):
        if (found := next(iter(orders.filter(by)[:1]), None)) is not None:
            return found
    return _by_our_id(orders, update.assessment_id)


def _by_our_id(orders: "QuerySet[Order]", text: str) -> Order:
    if (own_id := as_uuid(text)) is None:
        raise Order.DoesNotExist
    return orders.get(pk=own_id)


def accept_order_number(order: Order, number: str, how: str, now: datetime) -> bool:
    """Handles the number (or none) by which a message names the order. The first number is linked, and
    another one is offered to staff. False if another order has the number: then nothing of the message may be
    applied. The caller holds and saves the order."""
    if not number or names_our_order(number, order):
        return True
    if not order.justifacts_order_id:
        if is_taken(order, number):
            return False
        text = f"Justifacts speaks of the order as number {number}."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.LINKED, text)
        link_provider_order(order, number, now)
    elif is_another_number(order, number):
        if is_taken(order, number):
            return False
        offer_number(order, number, how)
        if _is_cancelled_by_us(order) and order.next_call in (PendingCall.NONE, PendingCall.POLL):
            # Justifacts has taken the cancellation of the earlier number only.
            schedule_call(order, PendingCall.CANCEL, now)
    return True


def _is_cancelled_by_us(order: Order) -> bool:
    is_ours = order.cancelled_by in (CancelledBy.ASHBY, CancelledBy.PERSON)
    return order.status == Status.CANCELLED and is_ours


def link_provider_order(order: Order, number: str, now: datetime) -> None:
    """Links the order to its number at Justifacts, and schedules the next call. An order that was cancelled
    in the meantime is cancelled at Justifacts. The caller holds and saves the order."""
    if is_taken(order, number):
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts gave this order the number {number}, which another order has already. "
            "Ask Justifacts which check belongs to this candidate.",
        )
        return
    order.justifacts_order_id, order.may_have_been_sent = number, True
    order.placed_at = order.placed_at or now
    clear_attention(order, AttentionTopic.PLACING)
    if order.status == Status.CANCELLED:
        # The portal never cancels what Justifacts itself has cancelled.
        is_ours = _is_cancelled_by_us(order)
        schedule_call(order, *((PendingCall.CANCEL, now) if is_ours else (PendingCall.NONE, None)))
    elif order.status == Status.REJECTED:
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts had refused this order, but runs it as number {number}. Ask Justifacts "
            "to cancel it, or tell the recruiter.",
        )
    else:
        if may_follow(Status(order.status), Status.RECEIVED):
            set_status(order, Status.RECEIVED, now)
            enqueue_status(order, Status.RECEIVED, now)
        schedule_call(order, PendingCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))
