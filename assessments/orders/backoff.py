"""How long to wait before a call is made again. Pure."""

from datetime import timedelta

_WAITS = (5, 15, 60, 5 * 60, 15 * 60)
_LONGEST = 60 * 60

#: After this long of failing, the order asks for a human; the tries go on.
ASK_AFTER = timedelta(hours=24)


def backoff_delay(failures: int, retry_after: float | None = None) -> timedelta:
    """5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly. What the other side asked for wins, up
    to a day: a wrong header must not stop an order for good."""
    if retry_after is not None:
        return timedelta(seconds=min(max(retry_after, 1), 24 * 60 * 60))
    index = max(failures, 1) - 1
    return timedelta(seconds=_WAITS[index] if index < len(_WAITS) else _LONGEST)


def poll_delay(since_change: timedelta, base_seconds: int) -> timedelta:
    """The time to the next poll: the base at first, a quarter of the age since the last change
    later, never more than twelve times the base."""
    seconds = min(max(base_seconds, since_change.total_seconds() / 4), longest_poll_delay(base_seconds))
    return timedelta(seconds=seconds)


def completed_poll_delay(since_completion: timedelta, base_seconds: int) -> timedelta:
    """The same for a completed order: a quarter of the time since the completion, at least the longest wait
    of an order on the way, and never more than three days."""
    least = timedelta(seconds=longest_poll_delay(base_seconds))
    return max(least, min(since_completion / 4, timedelta(days=3)))


def longest_poll_delay(base_seconds: int) -> int:
    return 12 * base_seconds
