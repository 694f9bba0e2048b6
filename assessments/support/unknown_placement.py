"""Resolves an unknown placement after staff have asked Justifacts: link its order, or resubmit ours."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import drop_topic, schedule_call
from assessments.placement.failures import clear_placement_failures
from assessments.statuses import Status
from assessments.tracking.order_number import link_provider_order, owner_of

_NOT_UNKNOWN = gettext_lazy(
    "It is now known whether Justifacts has this order, so there is nothing to decide. "
    "The timeline shows what happened in the meantime."
)


def is_placement_unknown(order: Order) -> bool:
    """Whether only staff can find out if Justifacts has the order, and under which number. A cancelled order
    may be linked at any time; the portal then cancels it at Justifacts."""
    if order.justifacts_order_id or order.next_call not in (PendingCall.LOOK_UP, PendingCall.NONE):
        return False
    needs_answer = order.needs_attention and order.attention_topic == AttentionTopic.PLACING
    return needs_answer or (order.status == Status.CANCELLED and order.next_call == PendingCall.LOOK_UP)


def can_be_resubmitted(order: Order) -> bool:
    return is_placement_unknown(order) and not order.has_ended


def link_existing_order(assessment_id: UUID, number: str, by: str, reason: str) -> None:
    """Links the Justifacts order with this number, and polls it at once or, if our order is cancelled,
    cancels it there. Raises ``NotPossible``."""
    number = number.strip()
    now = timezone.now()
    with locked_order_for_staff(assessment_id) as order:
        if not is_placement_unknown(order):
            raise NotPossible(_NOT_UNKNOWN)
        if owner_of(order, number):
            raise NotPossible(
                _(
                    "Another order of %(organization)s already has the number %(number)s. Ask "
                    "Justifacts for the number of the order with this order's reference."
                )
                % {"organization": order.organization, "number": number}
            )
        text = f"{by} linked this order to Justifacts order {number}."
        record_staff_action(order, OrderEvent.Kind.LINKED, text, reason)
        link_provider_order(order, number, now)
        if order.next_call == PendingCall.POLL:
            schedule_call(order, PendingCall.POLL, now)


def resubmit_order(assessment_id: UUID, by: str, reason: str) -> None:
    """Places the order once more, because Justifacts does not have it. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not can_be_resubmitted(order):
            raise NotPossible(_NOT_UNKNOWN)
        if order.lease_token is not None:
            raise NotPossible(
                _("The portal is looking up the order at Justifacts right now. Try again in a minute.")
            )
        drop_topic(order, AttentionTopic.PLACING)
        # Earlier answers of Justifacts say nothing about this placement.
        clear_placement_failures(order)
        schedule_call(order, PendingCall.PLACE, timezone.now())
        order.cleared_for_placement = True
        record_staff_action(
            order, OrderEvent.Kind.RESUBMITTED, f"{by} resubmitted the order to Justifacts.", reason
        )
