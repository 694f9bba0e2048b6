"""How a person's doing is written into an order's history."""

from django.utils.translation import gettext as _

from assessments.models import Event, Order

from .changing import record


class NotPossible(Exception):
    """What a person asked for does not fit what is so now; the text says why, and what to do."""


def record_person(order: Order, kind: str, what: str, reason: str = "") -> None:
    """One line: who did what, and why."""
    why = f" Reason: {reason.strip()}" if reason.strip() else ""
    record(order, Event.Source.PERSON, kind, f"{what}{why}")


def refuse_erased(order: Order) -> None:
    """Nothing is written about a candidate who was erased. Raises ``NotPossible``."""
    if order.is_erased:
        raise NotPossible(
            _("The candidate’s data of this order was erased. Nothing can be done with the order any more.")
        )
