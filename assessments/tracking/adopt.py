"""Finding the order that a message is about, and linking orders to their numbers at Justifacts."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.transaction import (
    clear_attention,
    flag_for_attention,
    record_event,
    schedule_call,
    set_status,
)
from assessments.outbox.compose import enqueue_status
from assessments.statuses import Status, may_follow
from assessments.tracking.order_number import is_another_number, names_our_order, offer_number, owner_of
from integrations.models import Connection
from integrations.partner_protocol.messages import AssessmentUpdate
from integrations.partner_protocol.parsing import as_uuid, spellings


def find_order(connection: Connection, update: AssessmentUpdate) -> Order:
    """The order that a message is about: by our reference; without one, by Justifacts' number, or by our id
    in its place. Raises ``Order.DoesNotExist``."""
    # Unordered: otherwise SQLite reads all of the organization's orders by date.
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
    """Handle the number (or none) by which a message names the order: the first number is linked, another
    one is offered to staff. Returns False if another order has the number; then the message must not be
    applied. The caller has locked the order and saves it."""
    if not number or names_our_order(number, order):
        return True
    if not order.justifacts_order_id:
        if owner_of(order, number):
            return False
        text = f"Justifacts has the order as number {number}."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.LINKED, text)
        link_provider_order(order, number, now)
    elif is_another_number(order, number):
        if owner_of(order, number):
            return False
        offer_number(order, number, how)
        if order.is_cancelled_by_us and order.next_call in (PendingCall.NONE, PendingCall.POLL):
            # Justifacts has accepted the cancellation of the earlier number only.
            schedule_call(order, PendingCall.CANCEL, now)
    return True


def link_provider_order(order: Order, number: str, now: datetime) -> None:
    """Link the order to its number at Justifacts, and schedule the next call: an order that Ashby or staff
    have cancelled meanwhile is cancelled at Justifacts. The caller has locked the order and saves it."""
    if owner_of(order, number):
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts gave this order the number {number}, which another order already has. "
            "Ask Justifacts which check belongs to this candidate.",
        )
        return
    order.justifacts_order_id, order.may_have_been_sent = number, True
    order.placed_at = order.placed_at or now
    clear_attention(order, AttentionTopic.PLACING)
    if order.status == Status.CANCELLED:
        # The portal never cancels an order that Justifacts itself has cancelled.
        must_cancel = order.is_cancelled_by_us
        schedule_call(order, *((PendingCall.CANCEL, now) if must_cancel else (PendingCall.NONE, None)))
    elif order.status == Status.REJECTED:
        schedule_call(order, PendingCall.NONE, None)
        flag_for_attention(
            order,
            AttentionTopic.PLACING,
            f"Justifacts refused this order, but runs it as number {number}. Ask Justifacts "
            "to cancel it, or tell the recruiter.",
        )
    else:
        if may_follow(Status(order.status), Status.RECEIVED):
            set_status(order, Status.RECEIVED, now)
            enqueue_status(order, Status.RECEIVED, now)
        schedule_call(order, PendingCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))
