from datetime import datetime
from uuid import UUID

from assessments.models import Event, InboundCall, Order
from assessments.orders.call_log import keep_about
from assessments.orders.transaction import changing, record
from assessments.statuses import Status
from assessments.text import plain
from assessments.tracking.finish import end_as_cancelled
from integrations.models import Connection


def cancel_by_ashby(
    connection: Connection, assessment_id: UUID | None, call: InboundCall, now: datetime
) -> Order:
    """Ashby may cancel at any time. A check that has ended stays as it is.

    Raises ``Order.DoesNotExist`` where the org has no such order.
    """
    own_orders = Order.objects.filter(organization=connection.organization_id)
    if assessment_id is None or not own_orders.filter(pk=assessment_id).exists():
        raise Order.DoesNotExist
    with changing(assessment_id) as order:
        if order.has_ended:
            record(
                order,
                Event.Source.ASHBY,
                "cancel_ignored",
                f"Ashby asked to cancel; the check was already {plain(Status(order.status).label).lower()}.",
            )
            keep_about(call, order, "already_ended")
        else:
            end_as_cancelled(order, "Cancelled in Ashby", Event.Source.ASHBY, now)
            keep_about(call, order, "cancelled")
    return order
