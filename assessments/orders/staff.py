"""Actions of staff on an order: the lock, and the line in the history."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import Order, OrderEvent
from assessments.orders.transaction import locked_order, record_event


class NotPossible(Exception):
    """The order's present state does not allow the action. The text says why, and what to do."""


def record_staff_action(order: Order, kind: OrderEvent.Kind, what: str, reason: str = "") -> None:
    """Record an action: ``what`` is a sentence that names the person."""
    why = f" Reason: {reason.strip()}" if reason.strip() else ""
    record_event(order, OrderEvent.Source.PERSON, kind, f"{what}{why}")


@contextmanager
def locked_order_for_staff(assessment_id: UUID) -> Iterator[Order]:
    """``locked_order`` for an action of staff. Raises ``NotPossible`` for an erased order, about which
    nothing may be written any more."""
    with locked_order(assessment_id) as order:
        if order.is_erased:
            text = _("The candidate’s data of this order was erased. No actions are available any more.")
            raise NotPossible(text)
        yield order
