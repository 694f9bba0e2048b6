"""Cancellation of a check by staff."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import OrderEvent
from assessments.orders.staff import NotPossible, locked_order_for_staff, record_staff_action
from assessments.recovery_log.log import log_cancellation
from assessments.tracking.apply import end_as_cancelled


def cancel_by_staff(assessment_id: UUID, by: str, reason: str, now: datetime) -> None:
    """Cancels the check at Ashby, whose card shows the reason, and at Justifacts. Raises ``NotPossible``."""
    with locked_order_for_staff(assessment_id) as order:
        if order.has_ended:
            status = order.get_status_display().lower()
            raise NotPossible(_("This check is already %(status)s.") % {"status": status})
        text = f"{by} cancelled the check at Ashby and Justifacts."
        record_staff_action(order, OrderEvent.Kind.CANCEL_REQUESTED, text, reason)
        end_as_cancelled(
            order, f"Cancelled in the assessment portal: {reason.strip()}", OrderEvent.Source.PERSON, now
        )
    log_cancellation(order)
