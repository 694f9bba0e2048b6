"""Orders as CSV. Times are ISO 8601, in UTC."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from assessments.models import Order
from integrations.web.csv_export import CSVDownload, csv_download, identifier

_COLUMNS = (
    *("assessment_id", "organization", "candidate", "email", "package", "job", "status", "status_since"),
    *("result", "needs_a_human", "reason", "justifacts_order_id", "application_id", "job_id"),
    *("started_at", "completed_at", "turnaround_minutes", "report_url"),
    *("legal_hold", "erased_at"),
)


def export(request: HttpRequest, orders: QuerySet[Order]) -> HttpResponseBase:
    """The orders as a CSV file, or a page that asks the person to wait (see ``csv_download``)."""
    source = Order.objects.select_related("organization", "package")
    response = csv_download(request, "orders", _COLUMNS, orders, source, _cells)
    if isinstance(response, CSVDownload):
        response.organizations = sorted(orders.order_by().values_list("organization", flat=True).distinct())
    return response


def _cells(order: Order) -> list[str]:
    return [
        str(order.assessment_id),
        order.organization.name,
        order.candidate_name,
        order.candidate_email,
        order.package.label,
        order.job_name,
        order.status,
        _time(order.status_since),
        order.result,
        "yes" if order.needs_attention else "no",
        order.attention_reason or order.closing_reason,
        identifier(order.justifacts_order_id),
        identifier(order.application_id),
        identifier(order.job_id),
        _time(order.created_at),
        _time(order.completed_at),
        "" if order.turnaround_minutes is None else str(order.turnaround_minutes),
        order.report_url,
        "yes" if order.legal_hold else "no",
        _time(order.erased_at),
    ]


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
