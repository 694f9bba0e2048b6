"""Orders as CSV, streamed: a row is written as it is read, whatever their number."""

import csv
from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from assessments.models import Order
from integrations.spreadsheet import harmless
from integrations.trail import Export

_COLUMNS = (
    *("assessment_id", "organization", "candidate", "email", "package", "job", "status", "status_since"),
    *("result", "needs_a_human", "reason", "justifacts_order_id", "application_id", "job_id"),
    *("started_at", "completed_at", "turnaround_minutes", "report_url"),
    *("legal_hold", "erased_at"),
)


class _Echo:
    """Hands each line that the CSV writer makes straight on."""

    def write(self, line: str) -> str:
        return line


def export(orders: QuerySet[Order]) -> Export:
    """An answer that is a file. Times are ISO 8601, in UTC."""
    answer = Export(_lines(orders), content_type="text/csv; charset=utf-8")
    answer.organizations = sorted(orders.order_by().values_list("organization", flat=True).distinct())
    name = f"orders-{timezone.now():%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _lines(orders: QuerySet[Order]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # A mark by which spreadsheets know that the letters are UTF-8.
    yield "\ufeff" + writer.writerow(_COLUMNS)
    for order in orders.select_related("organization", "package").iterator(chunk_size=1000):
        yield writer.writerow([harmless(value) for value in _row(order)])


def _row(order: Order) -> list[str]:
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
        order.attention_reason or order.end_reason,
        order.justifacts_order_id,
        order.application_id,
        order.job_id,
        _time(order.created_at),
        _time(order.completed_at),
        "" if order.turnaround_minutes is None else str(order.turnaround_minutes),
        order.report_url,
        "yes" if order.legal_hold else "no",
        _time(order.erased_at),
    ]


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
