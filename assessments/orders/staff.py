"""How a person's doing is written into an order's history."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import locked_order, record_event


class NotPossible(Exception):
    """What a person asked for does not fit what is so now; the text says why, and what to do."""


def record_staff_action(order: Order, kind: OrderEvent.Kind, what: str, reason: str = "") -> None:
    """One line: who did what, and why."""
    why = f" Reason: {reason.strip()}" if reason.strip() else ""
    record_event(order, OrderEvent.Source.PERSON, kind, f"{what}{why}")


@contextmanager
def locked_order_for_staff(assessment_id: UUID) -> Iterator[Order]:
    """``changing``, for what a person asks. Raises ``NotPossible`` for an order that was erased: nothing is
    written about its candidate any more."""
    with locked_order(assessment_id) as order:
        if order.is_erased:
            raise NotPossible(
                _("The candidate’s data of this order was erased. No actions are available any more.")
            )
        yield order
