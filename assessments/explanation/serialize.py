"""Orders and reconciliations as JSON, for the commands. Times are ISO 8601; a missing value is null."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from assessments.explanation.status_summary import status_summary
from assessments.models import AshbyUpdate, Discrepancy, Order, Reconciliation
from assessments.tracking.poll_schedule import polled_until


def order_as_json(order: Order) -> dict[str, Any]:
    return {
        **order_summary(order),
        "organization_slug": order.organization.slug,
        "package_id": str(order.package.assessment_type_id),
        "result": order.result or None,
        "report_url": order.report_url or None,
        "justifacts_order_id": order.justifacts_order_id or None,
        "justifacts_status": order.justifacts_status or None,
        "reason": order.closing_reason or None,
        "job_id": order.job_id,
        "application_id": order.application_id,
        "where_it_stands": status_summary(order, timezone.now()),
        "placed_at": _iso(order.placed_at),
        "completed_at": _iso(order.completed_at),
        "legal_hold": order.legal_hold,
        "next_call": order.next_call or None,
        "next_attempt_at": _iso(order.next_attempt_at),
        "last_call_error": order.last_call_error or None,
        "polled_until": _iso(polled_until(order)),
        "offered_order_number": order.offered_order_number or None,
        "former_order_number": order.former_order_number or None,
        "cancelled_by": order.cancelled_by or None,
        "events": [
            {"at": _iso(event.at), "source": event.source, "kind": event.kind, "summary": event.summary}
            for event in order.events.all()
        ],
        "updates": [
            _update(update) for update in order.updates.order_by("sequence").prefetch_related("attempts")
        ],
        "attempts": [_attempt(attempt) for attempt in order.attempts.filter(update=None)],
    }


def reconciliation_as_json(report: Reconciliation) -> dict[str, Any]:
    discrepancies: dict[str, list[dict[str, Any]]] = {outcome: [] for outcome in Discrepancy.Outcome.values}
    for found in report.discrepancies.all():
        order = str(found.order_id) if found.order_id else None
        discrepancies[found.outcome].append({"order": order, "text": found.text})
    return {
        "organization": report.organization.name,
        "organization_slug": report.organization.slug,
        "started_at": _iso(report.started_at),
        "ended_at": _iso(report.ended_at),
        "orders_checked": report.orders_checked,
        **discrepancies,
    }


def order_summary(order: Order) -> dict[str, Any]:
    """The order as an entry of a list, without candidate data."""
    return {
        "assessment_id": str(order.assessment_id),
        "organization": order.organization.name,
        "package": order.package.label,
        "job": order.job_name or order.job_id,
        "status": order.status,
        "result": order.result or None,
        "needs_attention": order.needs_attention,
        "attention_reason": order.attention_reason or None,
        "stalled": order.stalled_since is not None,
        "stall_reason": order.stall_reason or None,
        "erased_at": _iso(order.erased_at),
        "created_at": _iso(order.created_at),
    }


def _update(update: AshbyUpdate) -> dict[str, Any]:
    return {
        "sequence": update.sequence,
        "timestamp": update.timestamp,
        "state": update.state,
        "summary": update.summary,
        "attempts": [_attempt(attempt) for attempt in update.attempts.all()],
        "attempt_count": update.attempt_count,
        "next_attempt_at": _iso(update.next_attempt_at),
        "delivered_at": _iso(update.delivered_at),
        "last_error": update.last_error or None,
        "warnings": update.warnings,
        "payload": update.payload,
    }


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "at": _iso(attempt.at),
        "call": attempt.call,
        "outcome": attempt.outcome,
        "http_status": attempt.http_status,
        "milliseconds": attempt.milliseconds,
        "request_id": attempt.request_id or None,
        "message": attempt.message or None,
        "answer": attempt.answer or None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
