"""Recording messages from Justifacts that the portal cannot read."""

from datetime import datetime, timedelta
from typing import Any

from assessments.models import AttentionTopic, InboundRequest, Order, OrderEvent
from assessments.orders.call import ASK_AFTER
from assessments.orders.call_log import log_result
from assessments.orders.transaction import flag_for_attention, locked_order, record_event, record_event_once
from assessments.tracking.order_number import find_order
from integrations.connections.health import UNREADABLE_PUSH, record_unreadable_push
from integrations.http.errors import NotUnderstood
from integrations.models import Connection
from integrations.partner_protocol.parsing import InvalidMessage, read_id
from integrations.redaction import excerpt

#: How long an unreadable push stays a problem of the connection, unless a readable push ends it.
PUSH_PROBLEM_LASTS = timedelta(hours=1)


def record_not_understood(order: Order, failure: NotUnderstood, how: str, *, is_first: bool = False) -> None:
    """Record in the history that a message was not applied, once while the same content repeats.
    ``is_first``: the message before was readable. The caller has locked the order."""
    if order.is_erased:
        return
    summary = (
        f"{failure.message} The order was not changed. Ask Justifacts' support what the message means. "
        f"It came {how}; shortened: {failure.excerpt}"
    )
    write = record_event if is_first else record_event_once
    write(order, OrderEvent.Source.JUSTIFACTS, OrderEvent.Kind.NOT_UNDERSTOOD, summary)


def record_unreadable_poll(order: Order, failure: NotUnderstood, now: datetime) -> None:
    """Record a poll with an unreadable answer, and flag the order after a day of such answers. The caller has
    counted the failure, has locked the order and saves it."""
    record_not_understood(order, failure, "when polled", is_first=order.call_failures <= 1)
    if order.failing_since and now - order.failing_since > ASK_AFTER:
        text = (
            "For more than a day the portal could not read what Justifacts says about this check: "
            f"{failure.message} The status in Ashby may be out of date. Look the check up at Justifacts, and "
            "send Justifacts' support the message in this order's history. The portal keeps polling."
        )
        flag_for_attention(order, AttentionTopic.POLL, text)


def handle_unreadable_push(
    connection: Connection, call: InboundRequest, body: dict[str, Any], reason: str, now: datetime
) -> None:
    """Record an unreadable push as a problem of the connection and, if its order can be identified, in the
    order's history; then ``call`` is saved with the order. Nothing else changes."""
    text = f"{UNREADABLE_PUSH} {reason}"
    record_unreadable_push(connection, text, now, lasts_until=now + PUSH_PROBLEM_LASTS)
    found = find_order(connection, _id_in(body, "assessment_id"), _id_in(body, "reference_id"))
    if found is None:
        return
    with locked_order(found.pk) as order:
        quoted = excerpt(body, order.personal_data)
        record_not_understood(order, NotUnderstood(text, excerpt=quoted), "by push")
        log_result(call, order, call.outcome)


def _id_in(body: dict[str, Any], name: str) -> str:
    try:
        return read_id(body, name, needed=False)
    except InvalidMessage:
        return ""
