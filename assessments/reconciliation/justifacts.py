"""Justifacts' word on an order against ours."""

from datetime import datetime

from assessments.models import AttentionTopic, CancelledBy, Discrepancy, Order, OrderEvent, PendingCall
from assessments.orders.transaction import questions, record_event, schedule_call
from assessments.statuses import Status, may_follow
from assessments.text import untranslated
from assessments.tracking.after_end import said
from assessments.tracking.apply import apply_status, link_provider_order, note_provider_order
from assessments.tracking.status_report import StatusReport, read_status_report
from integrations.http.errors import CallFailed
from integrations.justifacts.client import Found, OrderNotFound
from integrations.partner_protocol.messages import AssessmentUpdate

RESOLVED, NEEDS_REVIEW = Discrepancy.Outcome.RESOLVED, Discrepancy.Outcome.NEEDS_REVIEW
_What = tuple[str, str]


#: How a message came that answers the question of a reconciliation, in the words of the history.
RECONCILED = "when reconciled"


def compare_with_justifacts(
    order: Order, asked: Order, outcome: Found | CallFailed, now: datetime
) -> list[_What]:
    """What differed for this order, and what became of it. The caller holds and saves the order.
    ``asked``: as it was when Justifacts was asked; one that has moved since is no difference."""
    if order.updated_since(asked) or order.next_call != asked.next_call:
        return []
    if isinstance(outcome, Found):
        return _found(order, outcome, now)
    if isinstance(outcome, OrderNotFound) and order.justifacts_order_id and not order.has_ended:
        return [
            (
                NEEDS_REVIEW,
                f"Justifacts does not know order {order.justifacts_order_id} any more. Ask Justifacts "
                "what became of it.",
            )
        ]
    return []


def _found(order: Order, found: Found, now: datetime) -> list[_What]:
    number = found.justifacts_order_id
    what: list[_What] = []
    if not order.justifacts_order_id:
        if order.lease_token is not None:
            # It is being placed or asked about at this moment: that call's answer says the same.
            return []
        record_event(
            order,
            OrderEvent.Source.JUSTIFACTS,
            OrderEvent.Kind.ADOPTED,
            f"Justifacts had taken the order as {number}.",
        )
        link_provider_order(order, number, now)
        what.append(_said(order, f"Justifacts had taken the order as number {number}; it was adopted."))
    elif not note_provider_order(order, number, RECONCILED, now):
        text = f"Justifacts calls this order {number}, a number that another order has. Ask Justifacts."
        return [(NEEDS_REVIEW, text)]
    if order.offered_order_number:
        text = (
            f"Justifacts has this order as {order.offered_order_number}, the portal as "
            f"{order.justifacts_order_id}. Ask Justifacts whether it runs two checks; a person can take the "
            "new number on the order's page."
        )
        what.append((NEEDS_REVIEW, text))
    if found.word is not None:
        what += [line for line in _word(order, found.word, now) if line not in what]
    return what


def _said(order: Order, text: str) -> _What:
    return (NEEDS_REVIEW, order.attention_reason) if order.needs_attention else (RESOLVED, text)


def _word(order: Order, word: AssessmentUpdate, now: datetime) -> list[_What]:
    heard = read_status_report(order, word, RECONCILED, now)
    if order.has_ended:
        return _after_the_end(order, heard)
    if heard.target not in (None, order.status) and not may_follow(Status(order.status), heard.target):
        return [
            (
                NEEDS_REVIEW,
                f"Justifacts says “{said(heard)}”, and the portal knows it as "
                f"“{untranslated(Status(order.status).label)}” already. Ask Justifacts which is true.",
            )
        ]
    if apply_status(order, word, RECONCILED, now):
        is_named = heard.text or untranslated(Status(order.status).label)
        return [(RESOLVED, f"Justifacts says “{is_named}”; the order was moved on, and Ashby is told.")]
    return []


def _after_the_end(order: Order, heard: StatusReport) -> list[_What]:
    """The rules are in ``after_end.py``: a question that is open is listed each night."""
    if apply_status(order, heard.message, RECONCILED, heard.now):
        return [_said(order, f"Justifacts changed the result: {order.result}; Ashby is told.")]
    agrees = heard.target == order.status
    concerns = (
        (AttentionTopic.RESULT,)
        if agrees
        else (AttentionTopic.RESULT, AttentionTopic.CANCEL, AttentionTopic.PLACING)
    )
    for question in questions(order):
        if question.concern in concerns:
            return [(NEEDS_REVIEW, question.reason)]
    if order.status == Status.CANCELLED and heard.target != Status.CANCELLED:
        return _cancelled_here(order, heard)
    return []


def _cancelled_here(order: Order, heard: StatusReport) -> list[_What]:
    """It was cancelled by Ashby or by a person, or a person has settled the question about it."""
    if order.next_call == PendingCall.CANCEL or order.cancelled_by not in (
        CancelledBy.ASHBY,
        CancelledBy.PERSON,
    ):
        return []
    schedule_call(order, PendingCall.CANCEL, heard.now)
    record_event(
        order,
        OrderEvent.Source.PORTAL,
        OrderEvent.Kind.CANCEL_AGAIN,
        f"Justifacts goes on with this cancelled check (“{said(heard)}”); it is told again to stop.",
    )
    return [(RESOLVED, "It is cancelled, and Justifacts went on with it; Justifacts is told again to stop.")]
