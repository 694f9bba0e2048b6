"""The orders of the stand-in Justifacts: place, move, cancel (docs/protocol.md)."""

from __future__ import annotations

import time
from typing import Any

from integrations.sandbox.models import Order, Org, now_ms
from integrations.sandbox.state import State

STEPS = ("Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete")
RESULTS = ("Clear", "Review", "Adverse")
#: Statuses that are not documented: while a check runs, and after it is complete.
UNKNOWN_STATUSES_WHILE_OPEN = ("Awaiting county records", "Awaiting records of Côte-d'Or", "Suspended")
UNKNOWN_STATUSES_AFTER_END = ("Dispute", "Reinvestigation in progress")
#: Stands for a message without a timestamp.
NO_TIMESTAMP = -1
#: Seconds between a step and the change that a dialect adds.
_CHANGE_AFTER_SECONDS = 0.5
_UNSET: Any = object()


class CannotMove(ValueError):
    """The order cannot take this step."""


def place(state: State, org: Org, body: dict[str, Any], idempotency_key: str, package_id: str = "") -> Order:
    """Create an order, also for a reference that has one: that is the harm of a repeated start."""
    now = time.time() * 1000
    order = Order(
        id=state.orders.next_id(),
        org=org.slug,
        reference_id=body["reference_id"],
        package_id=package_id or body["assessment_type_id"],
        body=body,
        idempotency_key=idempotency_key,
        created_at=now,
        changed_at=now,
        timestamp=now_ms(),
    )
    order.history.append({"at": now, "status": order.status})
    state.save_order(order)
    return order


def cancel(state: State, order: Order, reason: str) -> None:
    """End an order without a report. Does nothing if it is cancelled already."""
    if order.cancelled_reason is None:
        order.cancelled_reason, order.scheduled_changes = reason, []
        _record_change(state, order, {"cancelled_reason": reason})


def step(
    state: State,
    order: Order,
    status: str | None = None,
    result: Any = _UNSET,
    report_url: Any = _UNSET,
    cancelled_reason: str | None = None,
    timestamp: int | None = None,
) -> None:
    """Move an order to its next status, or to the given status and result, also backwards.

    ``timestamp``: milliseconds. Raises ``CannotMove`` if an ended order has no next status."""
    order.sent_status, order.scheduled_changes = "", []
    if cancelled_reason is not None:
        order.cancelled_reason = cancelled_reason
        _record_change(state, order, {"cancelled_reason": cancelled_reason}, timestamp)
        return
    if status is None and result is _UNSET and report_url is _UNSET:
        status = next_status(order)
        result = usual_result(order) if status == "Complete" else _UNSET
    if status is None and isinstance(result, str) and order.completed_at is None:
        status = "Complete"
    _apply(state, order, status, result, report_url)
    entry = {"status": order.status, **({"result": order.result} if order.result else {})}
    _schedule_changes(state, order)
    _record_change(state, order, entry, timestamp)


def apply_scheduled_change(state: State, order: Order) -> None:
    """Apply the next change that a dialect has scheduled: an unknown status, or another result."""
    change = order.scheduled_changes.pop(0)
    order.sent_status = change.get("status", "")
    order.result = change.get("result", order.result)
    entry = {"status": order.sent_status or order.status, "result": order.result}
    _record_change(state, order, entry, change.get("timestamp"))


def next_status(order: Order) -> str:
    """The status after the present one. Raises ``CannotMove`` if the order has ended."""
    if order.ended:
        raise CannotMove(f"{order.id} has ended and has no next status")
    if order.status not in STEPS:
        return STEPS[1]
    return STEPS[STEPS.index(order.status) + 1]


def usual_result(order: Order) -> str:
    """Review for every fifth order, else Clear."""
    return "Review" if order.id[-1] in "49" else "Clear"


def update_of(order: Order) -> dict[str, Any]:
    """An order as in the answer to `assessment.status` and in a push (docs/protocol.md)."""
    update: dict[str, Any] = {
        "assessment_id": order.number,
        "reference_id": order.reference_id,
        "timestamp": order.timestamp,
    }
    if order.timestamp == NO_TIMESTAMP:
        del update["timestamp"]
    if order.cancelled_reason is not None:
        update["cancelled_reason"] = _text("cancelled_reason", "Cancelled", order.cancelled_reason)
        return update
    update["assessment_status"] = _text("order_status", "Status", order.sent_status or order.status)
    if order.result is not None:
        update["assessment_result"] = _text("order_result", "Result", order.result)
    if order.report_url is not None:
        link = _text("report_url", "Report", order.report_url)
        update["assessment_profile_url"] = {**link, "type": "url"}
    return update


def due_scheduled_changes(state: State, now: float) -> list[Order]:
    """Orders with a scheduled change that is due (`now` in seconds)."""
    waiting = (order for order in state.orders.changing.values() if order.org in state.orgs)
    return [order for order in waiting if order.scheduled_changes[0]["at"] <= now * 1000]


def due_orders(state: State, now: float) -> list[Order]:
    """Orders whose next automatic step is due (`now` in seconds)."""
    found = []
    for order in state.orders.open.values():
        settings = state.orgs[order.org].settings if order.org in state.orgs else state.defaults
        if settings.automatic and order.changed_at + settings.step_seconds * 1000 <= now * 1000:
            found.append(order)
    return found


def _apply(state: State, order: Order, status: str | None, result: Any, report_url: Any) -> None:
    if status is not None:
        order.status = status
    if result is not _UNSET:
        order.result = result
    if order.status.lower() in ("complete", "completed") and order.completed_at is None:
        order.completed_at = time.time() * 1000
    if report_url is not _UNSET:
        order.report_url = report_url
    elif order.result is not None and order.report_url is None and result is not _UNSET:
        order.report_url = f"{state.base_url}/reports/{order.id}"


def _schedule_changes(state: State, order: Order) -> None:
    """Schedule the changes that the dialect draws for an order that has just moved."""
    dialect, soon = state.dialects.of("justifacts", order.org), (time.time() + _CHANGE_AFTER_SECONDS) * 1000
    # Without a reference, nobody could find the order under another number.
    has_reference = not dialect.has("no_references")
    if has_reference and not order.reissued_as and dialect.uses("new_order_number"):
        order.reissued_as = f"{order.id}-2"
    if order.completed_at is None:
        if order.status == STEPS[2] and dialect.uses("unknown_statuses"):
            order.scheduled_changes.append({"at": soon, "status": dialect.pick(UNKNOWN_STATUSES_WHILE_OPEN)})
        return
    if order.result is not None and dialect.uses("late_results"):
        other = dialect.pick([result for result in RESULTS if result != order.result])
        # A clock that was set back, the older time of the check itself, or no time.
        timestamp = dialect.pick((now_ms() - 60_000, now_ms() - 3_600_000, NO_TIMESTAMP))
        order.scheduled_changes.append({"at": soon, "result": other, "timestamp": timestamp})
    if dialect.uses("unknown_statuses"):
        order.scheduled_changes.append({"at": soon, "status": dialect.pick(UNKNOWN_STATUSES_AFTER_END)})


def _record_change(state: State, order: Order, entry: dict[str, Any], timestamp: int | None = None) -> None:
    order.timestamp = timestamp or max(now_ms(), order.timestamp + 1)
    order.changed_at = time.time() * 1000
    order.history.append({"at": order.changed_at, **entry})
    state.save_order(order)


def _text(identifier: str, label: str, value: str) -> dict[str, Any]:
    return {"identifier": identifier, "label": label, "type": "string", "value": value}
