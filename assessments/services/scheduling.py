"""When the next thing is said to Justifacts. The callers hold and save the order."""

from datetime import datetime

from assessments.models import NextCall, Order
from integrations.errors import CallFailed

from .waits import wait_after


def schedule(order: Order, call: NextCall, at: datetime | None) -> None:
    """Sets the next thing to say to Justifacts, afresh: a claim on the one before ends here."""
    order.next_call, order.next_call_at = call, at
    order.call_failures, order.call_failing_since, order.call_error = 0, None, ""
    order.not_found_count = 0
    order.release()


def put_off(order: Order, failure: CallFailed, now: datetime) -> None:
    """The same call again, later."""
    order.call_failures += 1
    order.call_failing_since = order.call_failing_since or now
    order.call_error = failure.message
    order.next_call_at = now + wait_after(order.call_failures, failure.retry_after)
    order.release()
