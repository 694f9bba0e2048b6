"""What people write about an order, and that they have settled what was asked of them."""

from uuid import UUID

from assessments.models import Order

from .changing import changing
from .people import NotPossible, record_person
from .rescue import placing_stayed_unknown, settle_by_person


def note(assessment_id: UUID, text: str, who: str) -> None:
    """Adds a note to the order's history."""
    with changing(assessment_id) as order:
        record_person(order, "note", f"{who} noted: {text.strip()}")


def can_be_resolved(order: Order) -> bool:
    """While a placing is unknown, only adopting, placing again or cancelling settles it: without a
    question the machine would go on by itself."""
    return order.needs_attention and not (placing_stayed_unknown(order) and not order.has_ended)


def resolve(assessment_id: UUID, who: str, reason: str) -> None:
    """A person has settled what a human was asked for. Raises ``NotPossible``."""
    with changing(assessment_id) as order:
        if not order.needs_attention:
            raise NotPossible("No human is asked for this order any more.")
        if not can_be_resolved(order):
            raise NotPossible(
                "Whether Justifacts has this order is not known. Adopt its number, place it again or "
                "cancel it."
            )
        asked = order.attention_reason
        settle_by_person(order)
        record_person(order, "resolved", f"{who} resolved “{asked}”", reason)
