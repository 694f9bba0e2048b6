"""An order's number at Justifacts, which may change.

A message with our reference and another number is applied to this order, and staff decide whether the new
number replaces the old one. Until then the order is polled by the old number and, if Justifacts does not
know it, by our reference; a cancellation uses both numbers. A number that another order of the organization
has is never accepted: both orders are flagged.
"""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import (
    drop_topic,
    flag_for_attention,
    locked_order,
    record_event,
    schedule_call,
)
from integrations.partner_protocol.parsing import as_uuid, same_id, spellings


def names_our_order(number: str, order: Order) -> bool:
    """Whether a message has our own id in place of Justifacts' number."""
    return as_uuid(number) == order.pk


def owner_of(order: Order, number: str) -> Order | None:
    """The other order of the organization that has this number at Justifacts, or was offered it."""
    others = Order.objects.order_by().filter(organization=order.organization_id).exclude(pk=order.pk)
    numbers = spellings(number)
    has_number = Q(justifacts_order_id__in=numbers) | Q(offered_order_number__in=numbers)
    return others.filter(has_number).first()


def is_another_number(order: Order, number: str) -> bool:
    """Whether Justifacts uses a number for this order that is new to the portal."""
    if not (number and order.justifacts_order_id) or names_our_order(number, order):
        return False
    known = (order.justifacts_order_id, order.offered_order_number, order.former_order_number)
    return not any(same_id(number, one) for one in known)


def offer_number(order: Order, number: str, how: str) -> None:
    """Flag the order because Justifacts has used another number for it, which no other order has. The caller
    has locked the order and saves it."""
    order.offered_order_number = number
    record_event(
        order,
        OrderEvent.Source.JUSTIFACTS,
        OrderEvent.Kind.NUMBER_CHANGED,
        f"Justifacts called the order {number} {how}; the portal knows it as {order.justifacts_order_id}.",
    )
    flag_for_attention(
        order,
        AttentionTopic.NUMBER,
        f"Justifacts now calls this order {number}; the portal knows it as {order.justifacts_order_id}. The "
        f"portal applies messages under either number. Ask Justifacts whether {number} replaces "
        f"{order.justifacts_order_id}. If it does, press “Accept the new order number”. If Justifacts runs "
        "two checks, have one cancelled there, then press “Resolve”.",
    )


def report_conflict(order: Order, number: str, how: str) -> None:
    """Flag both orders, each in its own transaction, because Justifacts has used a number for this order that
    another order has. The message must not be applied. The caller has locked neither order."""
    other = owner_of(order, number)
    if other is None:
        return
    with locked_order(order.pk) as order:
        if not order.is_erased:
            flag_for_attention(
                order,
                AttentionTopic.NUMBER,
                f"Justifacts called this order {number} {how}, a number that order {other.pk} has in the "
                "portal. The message was not applied. Ask Justifacts which check belongs to this reference.",
            )
    with locked_order(other.pk) as other:
        if not other.is_erased:
            flag_for_attention(
                other,
                AttentionTopic.NUMBER,
                f"Justifacts used {number}, the number of this order, for order {order.pk} {how}. Nothing "
                "was changed. Ask Justifacts which check has this number.",
            )


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
        record_staff_action(
            order,
            OrderEvent.Kind.NUMBER_ACCEPTED,
            f"{who} accepted {number} as the order's number, in place of {before}.",
            reason,
        )
    return number
