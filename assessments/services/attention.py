"""Asking a human: the sentence says what happened, why, and what to do."""

from django.utils import timezone

from assessments.models import Concern, Event, Order

from .changing import record


def ask_human(order: Order, concern: Concern, reason: str) -> None:
    """Flags the order; the caller saves it."""
    if order.attention_reason != reason:
        record(order, Event.Source.PORTAL, "needs_attention", reason)
    order.attention_since = (order.attention_since if order.needs_attention else None) or timezone.now()
    order.needs_attention = True
    order.attention_concern = concern
    order.attention_reason = reason


def settle(order: Order, concern: Concern) -> None:
    """Takes the flag back, if it was about this concern; the caller saves the order."""
    if order.needs_attention and order.attention_concern == concern:
        order.needs_attention = False
        order.attention_concern = Concern.NONE
        order.attention_reason = ""
        order.attention_since = None
        record(
            order,
            Event.Source.PORTAL,
            "attention_settled",
            "This settled itself; no human is needed any more.",
        )
