"""Legal holds: an order under one is erased neither by retention nor on request."""

from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action


def place_hold(assessment_id: UUID, by: str, reason: str) -> None:
    """Keeps the order's data until the hold is lifted. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if order.legal_hold:
            raise NotPossible(_("This order is already under legal hold."))
        order.legal_hold, order.legal_hold_reason = True, reason.strip()
        text = f"{by} put the order under a legal hold."
        record_staff_action(order, OrderEvent.Kind.LEGAL_HOLD_PLACED, text, reason)


def lift_hold(assessment_id: UUID, by: str, reason: str) -> None:
    """Ends the hold; an order past its retention is erased within minutes. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if not order.legal_hold:
            raise NotPossible(_("This order is not under legal hold."))
        order.legal_hold, order.legal_hold_reason = False, ""
        record_staff_action(order, OrderEvent.Kind.LEGAL_HOLD_LIFTED, f"{by} lifted the legal hold.", reason)
