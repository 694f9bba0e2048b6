"""What people write about an order, and that they have settled what was asked of them."""

from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import Order, Update
from assessments.orders.staff import NotPossible, changing_by_person, record_person
from assessments.orders.transaction import drop
from assessments.support.unknown_placement import placing_stayed_unknown


def note(assessment_id: UUID, text: str, who: str) -> None:
    """Adds a note to the order's history. Raises ``NotPossible``."""
    with changing_by_person(assessment_id) as order:
        record_person(order, "note", f"{who} noted: {text.strip()}")


def why_not_resolved(order: Order) -> str:
    """What a person has to do instead; empty: they may resolve it.

    While a placing is unknown, the question is what keeps the machine from placing the order again; and
    while Ashby refuses an update, nothing later is told.
    """
    if not order.needs_attention:
        return _("No human is asked for this order any more.")
    if placing_stayed_unknown(order) and not order.has_ended:
        return _(
            "Whether Justifacts has this order is not known. Adopt its number, place it again or cancel it: "
            "one of these settles it."
        )
    if order.updates.filter(state=Update.State.REFUSED).exists():
        return _(
            "Ashby refused an update, and later ones wait for it. Retry it once the cause is mended, or set "
            "it aside."
        )
    return ""


def resolve(assessment_id: UUID, who: str, reason: str) -> None:
    """A person has settled what a human was asked for. Raises ``NotPossible``."""
    with changing_by_person(assessment_id) as order:
        if why_not := why_not_resolved(order):
            raise NotPossible(why_not)
        asked = order.attention_reason
        drop(order, order.attention_concern)
        record_person(order, "resolved", f"{who} resolved “{asked}”", reason)
