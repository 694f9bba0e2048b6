"""Bulkheads: limit how many threads of a process one organization occupies with one kind of work, so that a
hanging partner or thousands of updates of one organization do not block the others."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Bulkhead:
    """Provides ``slots`` for each key, such as an organization and a kind of work."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._taken: Counter[Hashable] = Counter()
        self._rejected: set[Hashable] = set()
        # Reentrant: the garbage collector may free a slot while this thread takes one.
        self._lock = threading.RLock()

    @contextmanager
    def slot(self, key: Hashable) -> Iterator[bool]:
        """Take a slot for the duration of the block. Yields False if none was free; never waits."""
        with self._lock:
            is_taken = self._taken[key] < self._slots
            if is_taken:
                self._taken[key] += 1
            else:
                self._rejected.add(key)
        try:
            yield is_taken
        finally:
            if is_taken:
                self._leave(key)

    def had_rejections(self, key: Hashable) -> bool:
        """True if a caller was rejected since the last check; the slot holder then looks for work again."""
        with self._lock:
            found = key in self._rejected
            self._rejected.discard(key)
            return found

    def _leave(self, key: Hashable) -> None:
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
