"""Cancellation by Ashby (``assessment.cancel``)."""

from datetime import datetime
from uuid import UUID

from assessments.models import CancelledBy, InboundRequest, Order, OrderEvent
from assessments.orders.call_log import log_result
from assessments.orders.transaction import locked_order, record_event
from assessments.recovery_log.log import log_cancellation
from assessments.statuses import Status
from assessments.text import untranslated
from assessments.tracking.apply import end_as_cancelled
from integrations.models import Connection


def cancel_by_ashby(
    connection: Connection, assessment_id: UUID | None, call: InboundRequest, now: datetime
) -> Order:
    """Cancel an order for Ashby. An order that has ended is unchanged. Raises ``Order.DoesNotExist`` if the
    organization has no such order."""
    own_orders = Order.objects.filter(organization=connection.organization_id)
    if assessment_id is None or not own_orders.filter(pk=assessment_id).exists():
        raise Order.DoesNotExist
    with locked_order(assessment_id) as order:
        if order.has_ended:
            end = untranslated(Status(order.status).label).lower()
            summary = f"Ashby requested a cancellation; the check was already {end}."
            record_event(order, OrderEvent.Source.ASHBY, OrderEvent.Kind.CANCEL_IGNORED, summary)
            log_result(call, order, "already_ended")
        else:
            end_as_cancelled(order, "Cancelled in Ashby", OrderEvent.Source.ASHBY, now)
            log_result(call, order, "cancelled")
    if order.cancelled_by == CancelledBy.ASHBY:
        # Also for a repeat: the process that cancelled may have died before it wrote the recovery log.
        log_cancellation(order)
    return order
