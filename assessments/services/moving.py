"""The one place where an order's status changes."""

from datetime import datetime

from assessments.models import Concern, Order
from assessments.statuses import ENDED, Status

from .attention import settle


def move(order: Order, status: Status, now: datetime) -> None:
    """The order is in this status from now on, so it does not stand still any more. The caller holds
    and saves it, and writes down what happened."""
    order.status, order.status_since = status, now
    if status in ENDED:
        # That polls cannot be read matters no more.
        settle(order, Concern.POLL)
    moves_again(order)


def moves_again(order: Order) -> None:
    """Takes back that the order stands still; the caller saves it."""
    order.still_since, order.still_reason, order.still_limit = None, "", None
