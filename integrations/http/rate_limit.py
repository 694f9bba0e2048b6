"""Counting events in fixed time windows, shared by all processes through the cache."""

import hashlib
import time

from django.core.cache import cache


class WindowCounter:
    """How often ``key`` occurred in the current window and in the ``windows - 1`` before it.

    ``purpose`` keeps counters of different kinds apart. ``key`` is stored as a hash, so it may be a secret.
    An object stands for the moment it was made: make one for each decision. The cache fails open, so in
    an outage, and after an eviction, nothing counts as having occurred.
    """

    def __init__(self, purpose: str, key: str, *, seconds: int, windows: int) -> None:
        now = time.time()
        self._name = f"{purpose}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        self._seconds = seconds
        self._windows = windows
        self._current = int(now // seconds)
        self.seconds_left = seconds - now % seconds

    def add(self, number: int = 1) -> int:
        """Add to the current window, or take back what was added; return its count. An event that could not
        be counted returns 0."""
        name = self._key(self._current)
        cache.add(name, 0, timeout=self._seconds * (self._windows + 1))
        try:
            return cache.incr(name, number)
        except ValueError:  # The cache has evicted it since, or is away.
            return 0

    def previous(self) -> list[int]:
        """The counts of the windows before the current one; windows without any are left out."""
        return self._counts(self._current - 1, self._windows - 1)

    def total(self) -> int:
        """The count of all windows together."""
        return sum(self._counts(self._current, self._windows))

    def _counts(self, newest: int, number: int) -> list[int]:
        return list(cache.get_many([self._key(newest - n) for n in range(number)]).values())

    def _key(self, window: int) -> str:
        return f"{self._name}:{window}"
