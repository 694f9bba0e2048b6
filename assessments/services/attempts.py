"""Keeps each call that was made for an order, as support reads it."""

from datetime import datetime, timedelta

from assessments.models import Attempt, Order, Update
from integrations.errors import Answer, CallFailed


def keep_attempt(
    order: Order,
    call: Attempt.Call,
    answer: Answer,
    failure: CallFailed | None,
    ended_at: datetime,
    *,
    update: Update | None = None,
) -> None:
    """One row: when, how long, HTTP status, outcome, request id, shortened and redacted answer. None for
    an order that was erased while the call was out: its answer would bring the candidate back."""
    if order.is_erased:
        return
    Attempt.objects.create(
        order=order,
        update=update,
        call=call,
        at=ended_at - timedelta(milliseconds=answer.milliseconds),
        milliseconds=answer.milliseconds,
        http_status=answer.status,
        outcome=failure.outcome if failure else "taken",
        request_id=answer.request_id,
        message=failure.message if failure else "",
        answer=answer.excerpt,
    )
