"""A placing that stayed unknown, decided by a person who has asked Justifacts: it has the order under
this number, or it has none and the order is placed again."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import drop_topic, schedule_call
from assessments.placement.failures import forget_placing_failures
from assessments.statuses import Status
from assessments.tracking.adopt import link_provider_order
from assessments.tracking.order_number import is_taken

_NOT_UNKNOWN = gettext_lazy(
    "It is now known whether Justifacts has this order, so there is nothing to decide. "
    "The timeline shows what happened in the meantime."
)


def is_placement_unknown(order: Order) -> bool:
    """Whether only a person can say if Justifacts has the order, and under which number. For a cancelled
    one it may be said at any time: Justifacts is then told to cancel it."""
    if order.justifacts_order_id or order.next_call not in (PendingCall.LOOK_UP, PendingCall.NONE):
        return False
    is_asked = order.needs_attention and order.attention_topic == AttentionTopic.PLACING
    return is_asked or (order.status == Status.CANCELLED and order.next_call == PendingCall.LOOK_UP)


def can_be_resubmitted(order: Order) -> bool:
    return is_placement_unknown(order) and not order.has_ended


def link_existing_order(assessment_id: UUID, number: str, who: str, reason: str) -> None:
    """Justifacts has the order under this number; it is asked for its status at once. A cancelled one
    is cancelled there. Raises ``NotPossible``."""
    number = number.strip()
    now = timezone.now()
    with locked_order_for_staff(assessment_id) as order:
        if not is_placement_unknown(order):
            raise NotPossible(_NOT_UNKNOWN)
        if is_taken(order, number):
            raise NotPossible(
                _(
                    "Another order of %(organization)s already has the number %(number)s. Ask "
                    "Justifacts for the number of the order with this order's reference."
                )
                % {"organization": order.organization, "number": number}
            )
        record_staff_action(
            order,
            OrderEvent.Kind.ADOPTED,
            f"{who} said that Justifacts has this order as number {number}.",
            reason,
        )
        link_provider_order(order, number, now)
        if order.next_call == PendingCall.POLL:
            schedule_call(order, PendingCall.POLL, now)


def resubmit_order(assessment_id: UUID, who: str, reason: str) -> None:
    """Justifacts has no such order: it is placed once more. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not can_be_resubmitted(order):
            raise NotPossible(_NOT_UNKNOWN)
        if order.lease_token is not None:
            raise NotPossible(
                _("The portal is looking up the order at Justifacts right now. Try again in a minute.")
            )
        drop_topic(order, AttentionTopic.PLACING)
        # What Justifacts answered before says nothing about this placing.
        forget_placing_failures(order)
        schedule_call(order, PendingCall.PLACE, timezone.now())
        order.cleared_for_placement = True
        record_staff_action(
            order, OrderEvent.Kind.PLACED_AGAIN, f"{who} had the order placed at Justifacts again.", reason
        )
