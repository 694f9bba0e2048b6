"""What people write about an order, and that they have settled what was asked of them."""

from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import AshbyUpdate, Order, OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.orders.transaction import drop_topic
from assessments.support.unknown_placement import is_placement_unknown


def add_note(assessment_id: UUID, text: str, who: str) -> None:
    """Adds a note to the order's history. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        record_staff_action(order, OrderEvent.Kind.NOTE, f"{who} noted: {text.strip()}")


def why_unresolvable(order: Order) -> str:
    """What a person has to do instead; empty: they may resolve it.

    While a placing is unknown, the question is what keeps the machine from placing the order again; and
    while Ashby refuses an update, nothing later is told.
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


def resolve_attention(assessment_id: UUID, who: str, reason: str) -> None:
    """A person has settled what a human was asked for. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if why_not := why_unresolvable(order):
            raise NotPossible(why_not)
        asked = order.attention_reason
        drop_topic(order, order.attention_topic)
        record_staff_action(order, OrderEvent.Kind.RESOLVED, f"{who} resolved “{asked}”", reason)
