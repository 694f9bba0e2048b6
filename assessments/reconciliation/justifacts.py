"""Compares Justifacts' answer about an order with the order.

``apply_status`` applies the answer, as for a poll; this module turns the outcome into discrepancies.
"""

from datetime import datetime

from assessments.models import AttentionTopic, Discrepancy, Order, OrderEvent, PendingCall
from assessments.orders.transaction import questions, record_event, schedule_call
from assessments.statuses import Status
from assessments.text import untranslated
from assessments.tracking.apply import StatusOutcome, apply_status
from assessments.tracking.order_number import accept_order_number, link_provider_order
from assessments.tracking.status_report import shown_status, status_for
from integrations.http.errors import CallFailed
from integrations.justifacts.client import Found, OrderNotFound
from integrations.partner_protocol.messages import AssessmentUpdate

RESOLVED, NEEDS_REVIEW = Discrepancy.Outcome.RESOLVED, Discrepancy.Outcome.NEEDS_REVIEW
#: How the answer to a reconciliation came, for the history.
RECONCILED = "when reconciled"
#: Outcome and text of a discrepancy.
_Line = tuple[str, str]


def compare_with_justifacts(
    order: Order, asked: Order, outcome: Found | CallFailed, now: datetime
) -> list[_Line]:
    """Apply the answer, and return a discrepancy for each difference. The caller has locked the order and
    saves it. ``asked``: the order before the call; if it has changed since, the answer is not applied."""
    if order.updated_since(asked) or order.next_call != asked.next_call:
        return []
    if isinstance(outcome, Found):
        return _found(order, outcome, now)
    if isinstance(outcome, OrderNotFound) and order.justifacts_order_id and not order.has_ended:
        text = (
            f"Justifacts does not know order {order.justifacts_order_id} any more. Ask Justifacts what "
            "happened to it."
        )
        return [(NEEDS_REVIEW, text)]
    return []


def _found(order: Order, found: Found, now: datetime) -> list[_Line]:
    number = found.justifacts_order_id
    lines: list[_Line] = []
    if not order.justifacts_order_id:
        if order.lease_token is not None:
            # A placement or look-up is in progress, and its answer says the same.
            return []
        text = f"Justifacts already had the order, as number {number}."
        record_event(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.LINKED, text)
        link_provider_order(order, number, now)
        text = f"Justifacts already had the order, as number {number}; the portal linked it."
        lines.append(_line_or_question(order, text))
    elif not accept_order_number(order, number, RECONCILED, now):
        text = f"Justifacts calls this order {number}, a number that another order has. Ask Justifacts."
        return [(NEEDS_REVIEW, text)]
    if order.offered_order_number:
        text = (
            f"Justifacts has this order as {order.offered_order_number}, the portal as "
            f"{order.justifacts_order_id}. Ask Justifacts whether it runs two checks. Staff can accept the "
            "new number on the order's page."
        )
        lines.append((NEEDS_REVIEW, text))
    if found.update is not None:
        lines += [line for line in _apply(order, found.update, now) if line not in lines]
    return lines


def _apply(order: Order, update: AssessmentUpdate, now: datetime) -> list[_Line]:
    had_ended, known = order.has_ended, untranslated(Status(order.status).label)
    outcome = apply_status(order, update, RECONCILED, now)
    if outcome is StatusOutcome.APPLIED and had_ended:
        text = f"Justifacts changed the result to {order.result}; Ashby gets an update."
        return [_line_or_question(order, text)]
    if outcome is StatusOutcome.APPLIED:
        text = f"Justifacts says “{shown_status(update)}”; the order was updated, and Ashby gets an update."
        return [(RESOLVED, text)]
    if outcome is StatusOutcome.CONFLICT:
        text = (
            f"Justifacts says “{shown_status(update)}”, but the order is already at “{known}”. Ask "
            "Justifacts which is right."
        )
        return [(NEEDS_REVIEW, text)]
    if outcome is StatusOutcome.AFTER_END:
        # An open question is listed every night until it is closed.
        for question in questions(order):
            if question.topic in (AttentionTopic.RESULT, AttentionTopic.CANCEL, AttentionTopic.PLACING):
                return [(NEEDS_REVIEW, question.reason)]
        if order.is_cancelled_by_us and status_for(update) != Status.CANCELLED:
            return _cancel_again(order, update, now)
    return []


def _line_or_question(order: Order, text: str) -> _Line:
    return (NEEDS_REVIEW, order.attention_reason) if order.needs_attention else (RESOLVED, text)


def _cancel_again(order: Order, update: AssessmentUpdate, now: datetime) -> list[_Line]:
    if order.next_call == PendingCall.CANCEL:
        return []
    schedule_call(order, PendingCall.CANCEL, now)
    text = (
        f"Justifacts continues this cancelled check (“{shown_status(update)}”); the portal cancels it again."
    )
    record_event(order, OrderEvent.Source.PORTAL, OrderEvent.Kind.CANCEL_REPEATED, text)
    return [(RESOLVED, text)]
