"""Bulkheads: limit how many threads of a process one organization occupies with one kind of work, so that a
hanging partner or thousands of updates of one organization do not block the others."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class Bulkhead:
    """Provides ``slots`` for each key, such as an organization and a kind of work."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._taken: Counter[Hashable] = Counter()
        self._rejected: dict[Hashable, list[Any]] = {}
        # Reentrant: the garbage collector may free a slot while this thread takes one.
        self._lock = threading.RLock()

    @contextmanager
    def slot(self, key: Hashable, work: Sequence[Any] = ()) -> Iterator[bool]:
        """Take a slot for the duration of the block. Yields False if none was free; never waits. Then
        ``work`` is left to a slot holder."""
        with self._lock:
            is_taken = self._taken[key] < self._slots
            if is_taken:
                self._taken[key] += 1
            elif work:
                self._rejected.setdefault(key, []).extend(work)
        try:
            yield is_taken
        finally:
            if is_taken:
                self._leave(key)

    def take_rejected(self, key: Hashable) -> list[Any]:
        """The work of callers that found no free slot since the last time. Whoever held one does it."""
        with self._lock:
            return self._rejected.pop(key, [])

    def _leave(self, key: Hashable) -> None:
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
