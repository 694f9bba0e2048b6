"""Notes by staff, and resolving an order that needs attention."""

from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import AshbyUpdate, Order, OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import drop_topic
from assessments.support.unknown_placement import is_placement_unknown


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
    if order.updates.filter(state=AshbyUpdate.State.REFUSED).exists():
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
        question = order.attention_reason
        drop_topic(order, order.attention_topic)
        record_staff_action(order, OrderEvent.Kind.RESOLVED, f"{by} resolved “{question}”", reason)
