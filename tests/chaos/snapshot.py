"""The portal's orders as JSON, written by a process of the portal."""

import json
from pathlib import Path

from assessments.models import Order
from assessments.orders.transaction import questions
from integrations.models import Connection


def write(file: str) -> None:
    orders = Order.objects.order_by("created_at").select_related("organization")
    Path(file).write_text(
        json.dumps(
            {
                "paused": dict(Connection.objects.values_list("organization__slug", "pause_reason")),
                "orders": [_order(order) for order in orders.prefetch_related("updates", "events")],
            }
        )
    )


def _order(order: object) -> dict[str, object]:
    names = (
        *("status", "result", "justifacts_order_id", "next_call"),
        *("needs_attention", "attention_reason", "attention_topic"),
    )
    return {
        "assessment_id": str(order.pk),
        "organization": order.organization.slug,
        "application_id": order.application_id,
        "attention_topics": [question.topic for question in questions(order)],
        "has_ended": order.has_ended,
        "closing_reason": order.closing_reason,
        **{name: getattr(order, name) for name in names},
        "updates": [
            {"timestamp": one.timestamp, "state": one.state, "payload": one.payload, "error": one.last_error}
            for one in sorted(order.updates.all(), key=lambda one: one.sequence)
        ],
        "events": [f"{one.at:%H:%M:%S} {one.kind}: {one.summary}" for one in order.events.all()],
    }
