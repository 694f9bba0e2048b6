"""Compares the last update that Ashby accepted for an order with the order."""

from datetime import datetime
from typing import Any

from assessments.models import AshbyUpdate, Discrepancy, Order, OrderEvent
from assessments.orders.transaction import record_event
from assessments.outbox.compose import (
    ashby_label,
    enqueue_present_status,
    enqueue_raw_status,
    order_url,
    stored_result,
)
from assessments.statuses import ASHBY_LABELS, Status

#: Outcome and text of a discrepancy.
_Line = tuple[str, str]


def compare_with_ashby(order: Order, now: datetime) -> list[_Line]:
    """Return a discrepancy if Ashby does not show the order's state, and add an update if nothing prevents
    it. A waiting update is no discrepancy. The caller has locked the order and saves it."""
    updates = list(order.updates.order_by("sequence"))
    if refused := next((update for update in updates if update.state == AshbyUpdate.State.REFUSED), None):
        text = (
            f"Ashby refused “{refused.summary}”, and later updates wait for it: {refused.last_error} "
            "Retry it or skip it."
        )
        return [(Discrepancy.Outcome.NEEDS_REVIEW, text)]
    if any(update.state == AshbyUpdate.State.WAITING for update in updates):
        return []
    if order.status == Status.ACCEPTED and not order.status_unrecognized:
        return []
    accepted = [update.payload for update in updates if update.state == AshbyUpdate.State.DELIVERED]
    if accepted and _is_current(accepted[-1], order):
        return []
    if any(update.state == AshbyUpdate.State.SKIPPED for update in updates):
        text = (
            f"Ashby does not show “{_shown_state(order)}”, because staff skipped the update. Resend it, "
            "or tell the recruiter."
        )
        return [(Discrepancy.Outcome.NEEDS_REVIEW, text)]
    return [_add_update(order, now)]


def _is_current(payload: dict[str, Any], order: Order) -> bool:
    if order.status in (Status.CANCELLED, Status.REJECTED):
        return "cancelled_reason" in payload
    if order.status == Status.COMPLETE:
        report = order.report_url or order_url(order)
        sent = (
            _value(payload, "assessment_status"),
            stored_result(order, _value(payload, "assessment_result")),
            _value(payload, "assessment_profile_url"),
        )
        return sent == (ashby_label(order), order.result, report)
    return _value(payload, "assessment_status") == ashby_label(order)


def _value(payload: dict[str, Any], part: str) -> str:
    return str((payload.get(part) or {}).get("value", ""))


def _shown_state(order: Order) -> str:
    return order.result if order.status == Status.COMPLETE else ashby_label(order)


def _add_update(order: Order, now: datetime) -> _Line:
    sent = {_value(update.payload, "assessment_status") for update in order.updates.all()}
    is_start = order.status == Status.APPLICANT_STARTED and not order.status_unrecognized
    if is_start and ASHBY_LABELS[Status.APPLICANT_STARTED][0] in sent:
        # ``Started`` sets the start time, so it is not sent twice.
        enqueue_raw_status(order, ashby_label(order), now)
    else:
        enqueue_present_status(order, now)
    state = "Cancelled" if order.status == Status.CANCELLED else _shown_state(order)
    text = f"Ashby did not show “{state}”; the portal added an update."
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ADDED_BY_RECONCILIATION, text)
    return Discrepancy.Outcome.RESOLVED, text
