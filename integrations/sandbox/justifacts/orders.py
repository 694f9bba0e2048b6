"""The stand-in Justifacts' book of orders: placing, moving, ending (docs/protocol.md)."""

from __future__ import annotations

import time
from typing import Any

from integrations.sandbox.models import Order, Org, now_ms
from integrations.sandbox.world import World

STEPS = ("Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete")
RESULTS = ("Clear", "Review", "Adverse")
#: Words that the protocol does not know: while a check runs, and once it is complete.
WORDS_BETWEEN = ("Awaiting county records", "Awaiting records of Côte-d'Or", "Suspended")
WORDS_AFTER = ("Dispute", "Reinvestigation in progress")
#: The timestamp of a message that carries none.
NO_TIMESTAMP = -1
#: Seconds after a step until what a dialect adds to it.
_SURPRISE_AFTER = 0.5
_UNSET: Any = object()


class CannotMove(ValueError):
    """A step that this order cannot take."""


def place(world: World, org: Org, body: dict[str, Any], idempotency_key: str, package_id: str = "") -> Order:
    """A new order, also for a reference seen before: that is the harm that a second start does."""
    now = time.time() * 1000
    order = Order(
        id=world.new_order_id(),
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
    world.save_order(order)
    return order


def cancel(world: World, order: Order, reason: str) -> None:
    """End an order without a report; a second cancel changes nothing."""
    if order.cancelled_reason is None:
        order.cancelled_reason, order.surprises = reason, []
        _changed(world, order, {"cancelled_reason": reason})


def step(
    world: World,
    order: Order,
    status: str | None = None,
    result: Any = _UNSET,
    report_url: Any = _UNSET,
    cancelled_reason: str | None = None,
    timestamp: int | None = None,
) -> None:
    """Move an order: with nothing said to its next status, else to what is said, also backwards."""
    order.word, order.surprises = "", []
    if cancelled_reason is not None:
        order.cancelled_reason = cancelled_reason
        _changed(world, order, {"cancelled_reason": cancelled_reason}, timestamp)
        return
    if status is None and result is _UNSET and report_url is _UNSET:
        status = next_status(order)
        result = usual_result(order) if status == "Complete" else _UNSET
    if status is None and isinstance(result, str) and order.completed_at is None:
        status = "Complete"
    _apply(world, order, status, result, report_url)
    said = {"status": order.status, **({"result": order.result} if order.result else {})}
    _plan_surprises(world, order)
    _changed(world, order, said, timestamp)


def surprise(world: World, order: Order) -> None:
    """What a dialect makes of an order by itself: another word, or another result of a completed one."""
    what = order.surprises.pop(0)
    order.word = what.get("word", "")
    order.result = what.get("result", order.result)
    _changed(
        world, order, {"status": order.word or order.status, "result": order.result}, what.get("timestamp")
    )


def next_status(order: Order) -> str:
    """What comes after an order's status; CannotMove at the end of the road."""
    if order.ended:
        raise CannotMove(f"{order.id} has ended; nothing comes next")
    if order.status not in STEPS:
        return STEPS[1]
    return STEPS[STEPS.index(order.status) + 1]


def usual_result(order: Order) -> str:
    """Mostly Clear; every fifth order needs a human's decision."""
    return "Review" if order.id[-1] in "49" else "Clear"


def update_of(order: Order) -> dict[str, Any]:
    """An order as `assessment.status` returns it and a push carries it (docs/protocol.md)."""
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
    update["assessment_status"] = _text("order_status", "Status", order.word or order.status)
    if order.result is not None:
        update["assessment_result"] = _text("order_result", "Result", order.result)
    if order.report_url is not None:
        link = _text("report_url", "Report", order.report_url)
        update["assessment_profile_url"] = {**link, "type": "url"}
    return update


def due_surprises(world: World, now: float) -> list[Order]:
    """Orders that change by themselves now (`now` in seconds)."""
    waiting = (order for order in world.surprising.values() if order.org in world.orgs)
    return [order for order in waiting if order.surprises[0]["at"] <= now * 1000]


def due_orders(world: World, now: float) -> list[Order]:
    """Orders whose next step by the timer has come (`now` in seconds)."""
    found = []
    for order in world.moving.values():
        settings = world.orgs[order.org].settings if order.org in world.orgs else world.defaults
        if settings.automatic and order.changed_at + settings.step_seconds * 1000 <= now * 1000:
            found.append(order)
    return found


def _apply(world: World, order: Order, status: str | None, result: Any, report_url: Any) -> None:
    if status is not None:
        order.status = status
    if result is not _UNSET:
        order.result = result
    if order.status.lower() in ("complete", "completed") and order.completed_at is None:
        order.completed_at = time.time() * 1000
    if report_url is not _UNSET:
        order.report_url = report_url
    elif order.result is not None and order.report_url is None and result is not _UNSET:
        order.report_url = f"{world.base_url}/reports/{order.id}"


def _plan_surprises(world: World, order: Order) -> None:
    """What the dialect draws for an order that has just moved."""
    dialect, soon = world.dialects.of("justifacts", order.org), (time.time() + _SURPRISE_AFTER) * 1000
    # A message with another number and without our reference could be of anybody.
    is_known = not dialect.has("no_references")
    if is_known and not order.reissued_as and dialect.uses("new_order_number"):
        order.reissued_as = f"{order.id}-2"
    if order.completed_at is None:
        if order.status == STEPS[2] and dialect.uses("unknown_words"):
            order.surprises.append({"at": soon, "word": dialect.pick(WORDS_BETWEEN)})
        return
    if order.result is not None and dialect.uses("late_results"):
        other = dialect.pick([result for result in RESULTS if result != order.result])
        # Their clock was set back, or the check's own, older time is sent, or none.
        stamp = dialect.pick((now_ms() - 60_000, now_ms() - 3_600_000, NO_TIMESTAMP))
        order.surprises.append({"at": soon, "result": other, "timestamp": stamp})
    if dialect.uses("unknown_words"):
        order.surprises.append({"at": soon, "word": dialect.pick(WORDS_AFTER)})


def _changed(world: World, order: Order, said: dict[str, Any], timestamp: int | None = None) -> None:
    order.timestamp = timestamp or max(now_ms(), order.timestamp + 1)
    order.changed_at = time.time() * 1000
    order.history.append({"at": order.changed_at, **said})
    world.save_order(order)


def _text(identifier: str, label: str, value: str) -> dict[str, Any]:
    return {"identifier": identifier, "label": label, "type": "string", "value": value}
