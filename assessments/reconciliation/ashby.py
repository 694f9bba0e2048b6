"""What Ashby last took of an order against what is true."""

from datetime import datetime
from typing import Any

from assessments.models import Difference, Event, Order, Update
from assessments.orders.transaction import record
from assessments.outbox.compose import label_of, page_of, result_as_kept, tell_completion, tell_end, tell_word
from assessments.statuses import ASHBY_LABELS, Status

_What = tuple[str, str]


def compare_with_ashby(order: Order, now: datetime) -> list[_What]:
    """What differed for this order, and what became of it. What waits to be told is no difference. The
    caller holds and saves the order."""
    updates = list(order.updates.order_by("sequence"))
    if any(update.state == Update.State.REFUSED for update in updates):
        return [_refused(updates)]
    if any(update.state == Update.State.WAITING for update in updates) or _is_told(order, updates):
        return []
    if any(update.state == Update.State.SET_ASIDE for update in updates):
        return [
            (
                Difference.Outcome.FOR_HUMAN,
                f"Ashby does not know that the check is at “{_truth(order)}”: a person has set the "
                "update aside. Send it again, or tell the recruiter.",
            )
        ]
    return [_tell(order, now)]


def _refused(updates: list[Update]) -> _What:
    update = next(update for update in updates if update.state == Update.State.REFUSED)
    return (
        Difference.Outcome.FOR_HUMAN,
        f"Ashby refused “{update.summary}”, and later updates wait behind it: {update.last_error} Retry it "
        "or set it aside.",
    )


def _is_told(order: Order, updates: list[Update]) -> bool:
    """Whether the newest that Ashby took says what is true now."""
    if order.status == Status.ACCEPTED and not order.status_is_unknown:
        return True
    taken = [update.payload for update in updates if update.state == Update.State.DELIVERED]
    return bool(taken) and _says(taken[-1], order)


def _says(payload: dict[str, Any], order: Order) -> bool:
    if order.status in (Status.CANCELLED, Status.REJECTED):
        return "cancelled_reason" in payload
    if order.status == Status.COMPLETE:
        report = order.report_url or page_of(order)
        told = (
            _value(payload, "assessment_status"),
            result_as_kept(order, _value(payload, "assessment_result")),
            _value(payload, "assessment_profile_url"),
        )
        return told == (label_of(order), order.result, report)
    return _value(payload, "assessment_status") == label_of(order)


def _value(payload: dict[str, Any], part: str) -> str:
    return str((payload.get(part) or {}).get("value", ""))


def _truth(order: Order) -> str:
    return order.result if order.status == Status.COMPLETE else label_of(order)


def _tell(order: Order, now: datetime) -> _What:
    status = Status(order.status)
    if status in (Status.CANCELLED, Status.REJECTED):
        tell_end(order, order.end_reason, now)
    elif status == Status.COMPLETE:
        tell_completion(order, now)
    elif order.status_is_unknown:
        tell_word(order, order.justifacts_status, now)
    else:
        _tell_status(order, status, now)
    text = f"Ashby had not been told “{_truth(order) if status != Status.CANCELLED else 'Cancelled'}”"
    record(order, Event.Source.PORTAL, "told_when_reconciled", f"{text}; it is told now.")
    return Difference.Outcome.MENDED, f"{text}; it is told now."


def _tell_status(order: Order, status: Status, now: datetime) -> None:
    """The label, and before it the signal ``Started`` where Ashby never took it: it sets the start time."""
    taken = {_value(update.payload, "assessment_status") for update in order.updates.all()}
    for label in ASHBY_LABELS[status]:
        if label == label_of(order) or label not in taken:
            tell_word(order, label, now)
