"""Backoff: how long to wait before the next attempt or poll. Pure."""

from datetime import timedelta

_WAITS = (5, 15, 60, 5 * 60, 15 * 60)
_LONGEST = 60 * 60

#: A call that has failed for this long makes the order need attention; the retries continue.
ASK_AFTER = timedelta(hours=24)


def backoff_delay(failures: int, retry_after: float | None = None) -> timedelta:
    """The delay after ``failures`` failures: 5 s, 15 s, 1 min, 5 min, 15 min, 1 h, then hourly. The partner's
    ``retry_after`` (seconds) takes precedence, up to a day: a wrong header must not stop an order."""
    if retry_after is not None:
        return timedelta(seconds=min(max(retry_after, 1), 24 * 60 * 60))
    index = max(failures, 1) - 1
    return timedelta(seconds=_WAITS[index] if index < len(_WAITS) else _LONGEST)


def poll_delay(since_change: timedelta, base_seconds: int) -> timedelta:
    """The time to the next poll: a quarter of the time since the last change, at least ``base_seconds`` and
    at most twelve times that."""
    seconds = min(max(base_seconds, since_change.total_seconds() / 4), longest_poll_delay(base_seconds))
    return timedelta(seconds=seconds)


def completed_poll_delay(since_completion: timedelta, base_seconds: int) -> timedelta:
    """The same for a completed order: a quarter of the time since the completion, at least the longest delay
    of an order that is in progress, and at most three days."""
    least = timedelta(seconds=longest_poll_delay(base_seconds))
    return max(least, min(since_completion / 4, timedelta(days=3)))


def longest_poll_delay(base_seconds: int) -> int:
    return 12 * base_seconds
