"""How a person's doing is written into an order's history."""

from assessments.models import Event, Order

from .changing import record


class NotPossible(Exception):
    """What a person asked for does not fit what is so now; the text says why, and what to do."""


def record_person(order: Order, kind: str, what: str, reason: str = "") -> None:
    """One line: who did what, and why."""
    why = f" Reason: {reason.strip()}" if reason.strip() else ""
    record(order, Event.Source.PERSON, kind, f"{what}{why}")
