"""An order's number at Justifacts: finding the order of a message, linking, and changes of the number.

A message with our reference and another number is applied to this order, and staff decide whether the new
number replaces the old one. Until then the order is polled by the old number and, if Justifacts does not
know it, by our reference; a cancellation uses both numbers. A number that another order of the organization
has is never accepted: both orders are flagged.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import (
    clear_attention,
    drop_topic,
    flag_for_attention,
    locked_order,
    record_event,
    schedule_call,
    set_status,
)
from assessments.outbox.compose import enqueue_status
from assessments.statuses import Status, may_follow
from integrations.models import Connection
from integrations.partner_protocol.parsing import as_uuid, same_id, spellings


def find_order(connection: Connection, number: str, reference: str) -> Order | None:
    """The order that a message is about: by our reference; without one, by Justifacts' number, or by our id
    in its place."""
    # Unordered: otherwise SQLite reads all of the organization's orders by date.
    orders = Order.objects.order_by().filter(organization=connection.organization_id)
    # An empty number would match every order that has none yet.
    if number and not reference:
        numbers = spellings(number)
        has_had = Q(offered_order_number__in=numbers) | Q(former_order_number__in=numbers)
        for by in (Q(justifacts_order_id__in=numbers), has_had):
            if found := next(iter(orders.filter(by)[:1]), None):
                return found
    own_id = as_uuid(reference or number)
    return orders.filter(pk=own_id).first() if own_id else None


def accept_order_number(order: Order, number: str, how: str, now: datetime) -> bool:
    """Handle the number (or none) by which a message names the order: the first number is linked, another
    one is offered to staff. Returns False if another order has the number; then the message must not be
    applied. The caller has locked the order and saves it."""
    if not number or as_uuid(number) == order.pk:
        # Without a number, or with our own id in its place.
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
        _offer_number(order, number, how)
        if order.is_cancelled_by_us and order.next_call in (PendingCall.NONE, PendingCall.POLL):
            # Justifacts has accepted the cancellation of the earlier number only.
            schedule_call(order, PendingCall.CANCEL, now)
    return True


def link_provider_order(order: Order, number: str, now: datetime) -> None:
    """Link the order to its number at Justifacts, and schedule the next call: an order that Ashby or staff
    have cancelled meanwhile is cancelled at Justifacts. The caller has locked the order and saves it."""
    if owner_of(order, number):
        schedule_call(order, PendingCall.NONE, None)
        text = (
            f"Justifacts gave this order the number {number}, which another order already has. "
            "Ask Justifacts which check belongs to this candidate."
        )
        flag_for_attention(order, AttentionTopic.PLACING, text)
        return
    order.justifacts_order_id, order.may_have_been_sent = number, True
    order.placed_at = order.placed_at or now
    clear_attention(order, AttentionTopic.PLACING)
    if order.status == Status.CANCELLED:
        if order.is_cancelled_by_us:
            schedule_call(order, PendingCall.CANCEL, now)
        else:
            # The portal never cancels an order that Justifacts itself has cancelled.
            schedule_call(order, PendingCall.NONE, None)
    elif order.status == Status.REJECTED:
        schedule_call(order, PendingCall.NONE, None)
        what = (
            f"Justifacts refused this order, but runs it as number {number}. Ask Justifacts "
            "to cancel it, or tell the recruiter."
        )
        flag_for_attention(order, AttentionTopic.PLACING, what)
    else:
        if may_follow(Status(order.status), Status.RECEIVED):
            set_status(order, Status.RECEIVED, now)
            enqueue_status(order, Status.RECEIVED, now)
        schedule_call(order, PendingCall.POLL, now + timedelta(seconds=settings.POLL_INTERVAL_SECONDS))


def owner_of(order: Order, number: str) -> Order | None:
    """The other order of the organization that has this number at Justifacts, or was offered it."""
    others = Order.objects.order_by().filter(organization=order.organization_id).exclude(pk=order.pk)
    numbers = spellings(number)
    has_number = Q(justifacts_order_id__in=numbers) | Q(offered_order_number__in=numbers)
    return others.filter(has_number).only("pk").first()


def is_another_number(order: Order, number: str) -> bool:
    """Whether Justifacts uses a number for this order that is new to the portal."""
    if not (number and order.justifacts_order_id) or as_uuid(number) == order.pk:
        return False
    known = (order.justifacts_order_id, order.offered_order_number, order.former_order_number)
    return not any(same_id(number, one) for one in known)


def _offer_number(order: Order, number: str, how: str) -> None:
    order.offered_order_number = number
    text = f"Justifacts called the order {number} {how}; the portal knows it as {order.justifacts_order_id}."
    record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.NUMBER_CHANGED, text)
    what = (
        f"Justifacts now calls this order {number}; the portal knows it as {order.justifacts_order_id}. The "
        f"portal applies messages under either number. Ask Justifacts whether {number} replaces "
        f"{order.justifacts_order_id}. If it does, press “Accept the new order number”. If Justifacts runs "
        "two checks, have one cancelled there, then press “Resolve”."
    )
    flag_for_attention(order, AttentionTopic.NUMBER, what)


def report_conflict(order: Order, number: str, how: str) -> None:
    """Flag both orders, each in its own transaction, because Justifacts has used a number for this order that
    another order has. The message must not be applied. The caller has locked neither order."""
    other = owner_of(order, number)
    if other is None:
        return
    ours = (
        f"Justifacts called this order {number} {how}, a number that order {other.pk} has in the portal. The "
        "message was not applied. Ask Justifacts which check belongs to this reference."
    )
    theirs = (
        f"Justifacts used {number}, the number of this order, for order {order.pk} {how}. Nothing was "
        "changed. Ask Justifacts which check has this number."
    )
    for assessment_id, text in ((order.pk, ours), (other.pk, theirs)):
        with locked_order(assessment_id) as flagged:
            if not flagged.is_erased:
                flag_for_attention(flagged, AttentionTopic.NUMBER, text)


def can_accept_number(order: Order) -> bool:
    """Whether staff may replace the number with the one that Justifacts uses now."""
    return bool(order.offered_order_number) and not order.is_erased


def accept_new_number(assessment_id: UUID, who: str, reason: str) -> str:
    """Replace the number with the one that Justifacts uses now, and return it. ``who``: the name for the
    history. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        number = order.offered_order_number
        if not can_accept_number(order):
            raise NotPossible(_("Justifacts has not sent another number for this order."))
        if owner_of(order, number):
            text = _("Another order of %(organization)s already has the number %(number)s. Ask Justifacts.")
            raise NotPossible(text % {"organization": order.organization, "number": number})
        before = order.justifacts_order_id
        order.former_order_number, order.justifacts_order_id = before, number
        order.offered_order_number = ""
        drop_topic(order, AttentionTopic.NUMBER)
        if order.next_call == PendingCall.POLL:
            schedule_call(order, PendingCall.POLL, timezone.now())
        what = f"{who} accepted {number} as the order's number, in place of {before}."
        record_staff_action(order, OrderEvent.Kind.NUMBER_ACCEPTED, what, reason)
    return number
