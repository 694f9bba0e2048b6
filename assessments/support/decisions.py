"""Decisions by staff about an order: a note, a resolved question, a cancellation, and what follows from an
unknown placement once they have asked Justifacts."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import AshbyUpdate, AttentionTopic, Order, OrderEvent, PendingCall
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import drop_topic, schedule_call
from assessments.placement.failures import clear_placement_failures
from assessments.recovery_log.log import log_cancellation
from assessments.statuses import Status
from assessments.tracking.apply import end_as_cancelled
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
    number, now = number.strip(), timezone.now()
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
            text = _("The portal is looking up the order at Justifacts right now. Try again in a minute.")
            raise NotPossible(text)
        drop_topic(order, AttentionTopic.PLACING)
        # Earlier answers of Justifacts say nothing about this placement.
        clear_placement_failures(order)
        schedule_call(order, PendingCall.PLACE, timezone.now())
        order.cleared_for_placement = True
        text = f"{by} resubmitted the order to Justifacts."
        record_staff_action(order, OrderEvent.Kind.RESUBMITTED, text, reason)


def add_note(assessment_id: UUID, text: str, by: str) -> None:
    """Adds a note to the order's history. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        record_staff_action(order, OrderEvent.Kind.NOTE, f"{by} noted: {text.strip()}")


def why_unresolvable(order: Order) -> str:
    """Why staff cannot mark the order as resolved, and what to do instead; empty if they can.

    While a placement is unknown, the open question keeps the portal from placing the order again. While Ashby
    refuses an update, no later one is delivered.
    """
    if not order.needs_attention:
        return _("This order does not need attention any more.")
    if is_placement_unknown(order) and not order.has_ended:
        return _(
            "It is not known whether Justifacts has this order. To settle this, link the "
            "existing Justifacts order, resubmit the order or cancel it."
        )
    if any(update.state == AshbyUpdate.State.REFUSED for update in order.updates.all()):
        return _(
            "Ashby refused an update, and later ones wait for it. Fix the cause and retry the "
            "update, or skip it."
        )
    return ""


def resolve_attention(assessment_id: UUID, by: str, reason: str) -> None:
    """Clears the question that is shown, because staff have settled it. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if obstacle := why_unresolvable(order):
            raise NotPossible(obstacle)
        text = f"{by} resolved “{order.attention_reason}”"
        drop_topic(order, order.attention_topic)
        record_staff_action(order, OrderEvent.Kind.RESOLVED, text, reason)


def cancel_by_staff(assessment_id: UUID, by: str, reason: str, now: datetime) -> None:
    """Cancels the check at Ashby, whose card shows the reason, and at Justifacts. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if order.has_ended:
            status = order.get_status_display().lower()
            raise NotPossible(_("This check is already %(status)s.") % {"status": status})
        text = f"{by} cancelled the check at Ashby and Justifacts."
        record_staff_action(order, OrderEvent.Kind.CANCEL_REQUESTED, text, reason)
        shown = f"Cancelled in the assessment portal: {reason.strip()}"
        end_as_cancelled(order, shown, OrderEvent.Source.PERSON, now)
    log_cancellation(order)
