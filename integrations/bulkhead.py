"""Bounded calls in flight: in one worker process an organization occupies at most so many threads on
each side, so that one whose other side hangs, or that has thousands of updates waiting, leaves the
rest of the threads to others."""

import threading
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Bulkhead:
    """Places for each key (an organization and a side)."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[Hashable] = Counter()
        self._turned_away: set[Hashable] = set()
        # Reentrant: the garbage collector may give back a place while this thread takes one.
        self._lock = threading.RLock()

    @contextmanager
    def place(self, key: Hashable) -> Iterator[bool]:
        """Whether there was a place; it is free again afterwards. Never waits."""
        is_in = self._enter(key)
        try:
            yield is_in
        finally:
            if is_in:
                self._leave(key)

    def was_turned_away(self, key: Hashable) -> bool:
        """Whether somebody found no place since this was last asked: who has one looks once more."""
        with self._lock:
            found = key in self._turned_away
            self._turned_away.discard(key)
            return found

    def _enter(self, key: Hashable) -> bool:
        with self._lock:
            if self._taken[key] >= self._places:
                self._turned_away.add(key)
                return False
            self._taken[key] += 1
            return True

    def _leave(self, key: Hashable) -> None:
        with self._lock:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
