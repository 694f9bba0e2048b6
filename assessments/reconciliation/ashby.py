"""Compares what Ashby last accepted for an order with what is true."""

from datetime import datetime
from typing import Any

from assessments.models import AshbyUpdate, Discrepancy, Order, OrderEvent
from assessments.orders.transaction import record_event
from assessments.outbox.compose import (
    ashby_label,
    enqueue_cancellation,
    enqueue_completion,
    enqueue_raw_status,
    order_url,
    stored_result,
)
from assessments.statuses import ASHBY_LABELS, Status

#: Outcome and text of a line of the report.
_Line = tuple[str, str]


def compare_with_ashby(order: Order, now: datetime) -> list[_Line]:
    """Returns a line if Ashby does not know what is true, and tells Ashby if nothing prevents it. An update
    that waits for delivery is no discrepancy. The caller holds and saves the order."""
    updates = list(order.updates.order_by("sequence"))
    if any(update.state == AshbyUpdate.State.REFUSED for update in updates):
        return [_refused(updates)]
    if any(update.state == AshbyUpdate.State.WAITING for update in updates) or _is_told(order, updates):
        return []
    if any(update.state == AshbyUpdate.State.SKIPPED for update in updates):
        return [
            (
                Discrepancy.Outcome.NEEDS_REVIEW,
                f"Ashby does not know that the check is at “{_truth(order)}”: a person has set the "
                "update aside. Send it again, or tell the recruiter.",
            )
        ]
    return [_tell(order, now)]


def _refused(updates: list[AshbyUpdate]) -> _Line:
    update = next(update for update in updates if update.state == AshbyUpdate.State.REFUSED)
    return (
        Discrepancy.Outcome.NEEDS_REVIEW,
        f"Ashby refused “{update.summary}”, and later updates wait behind it: {update.last_error} Retry it "
        "or skip it.",
    )


def _is_told(order: Order, updates: list[AshbyUpdate]) -> bool:
    """Whether the last update that Ashby accepted says what is true now."""
    if order.status == Status.ACCEPTED and not order.status_unrecognized:
        return True
    taken = [update.payload for update in updates if update.state == AshbyUpdate.State.DELIVERED]
    return bool(taken) and _says(taken[-1], order)


def _says(payload: dict[str, Any], order: Order) -> bool:
    if order.status in (Status.CANCELLED, Status.REJECTED):
        return "cancelled_reason" in payload
    if order.status == Status.COMPLETE:
        report = order.report_url or order_url(order)
        told = (
            _value(payload, "assessment_status"),
            stored_result(order, _value(payload, "assessment_result")),
            _value(payload, "assessment_profile_url"),
        )
        return told == (ashby_label(order), order.result, report)
    return _value(payload, "assessment_status") == ashby_label(order)


def _value(payload: dict[str, Any], part: str) -> str:
    return str((payload.get(part) or {}).get("value", ""))


def _truth(order: Order) -> str:
    return order.result if order.status == Status.COMPLETE else ashby_label(order)


def _tell(order: Order, now: datetime) -> _Line:
    status = Status(order.status)
    if status in (Status.CANCELLED, Status.REJECTED):
        enqueue_cancellation(order, order.closing_reason, now)
    elif status == Status.COMPLETE:
        enqueue_completion(order, now)
    elif order.status_unrecognized:
        enqueue_raw_status(order, order.justifacts_status, now)
    else:
        _tell_status(order, status, now)
    text = f"Ashby had not been told “{_truth(order) if status != Status.CANCELLED else 'Cancelled'}”"
    record_event(
        order, OrderEvent.Source.PORTAL, OrderEvent.Kind.ADDED_BY_RECONCILIATION, f"{text}; it is told now."
    )
    return Discrepancy.Outcome.RESOLVED, f"{text}; it is told now."


def _tell_status(order: Order, status: Status, now: datetime) -> None:
    """Sends the label, and first the signal ``Started``, which sets the start time, if Ashby never accepted
    it."""
    taken = {_value(update.payload, "assessment_status") for update in order.updates.all()}
    for label in ASHBY_LABELS[status]:
        if label == ashby_label(order) or label not in taken:
            enqueue_raw_status(order, label, now)
