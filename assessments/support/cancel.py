from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from assessments.models import Event
from assessments.orders.staff import NotPossible, changing_by_person, record_person
from assessments.tracking.finish import end_as_cancelled


def cancel_by_person(assessment_id: UUID, who: str, reason: str, now: datetime) -> None:
    """Cancels at both sides: Ashby's card says so with the reason, Justifacts is told to stop. Raises
    ``NotPossible``."""
    with changing_by_person(assessment_id) as order:
        if order.has_ended:
            status = order.get_status_display().lower()
            raise NotPossible(_("This check is %(status)s already.") % {"status": status})
        record_person(order, "cancel_asked", f"{who} cancelled the check at both sides.", reason)
        end_as_cancelled(
            order, f"Cancelled in the assessment portal: {reason.strip()}", Event.Source.PERSON, now
        )
