"""Organizations that wait for their turn in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Line:
    """Organizations in the order in which they joined, each at most once, and a limit on how many threads
    serve them. The other threads of the process stay free for work that has just come up.

    It holds nothing that could be lost: a sweep finds the organizations again.
    """

    def __init__(self, threads: int) -> None:
        #: The most threads that serve the line at the same time.
        self.threads = threads
        self._waiting: dict[int, None] = {}
        self._serving = 0
        self._lock = threading.Lock()

    def join(self, organization: int) -> bool:
        """Wait at the end of the line, unless the organization stands in it already. Returns whether a thread
        serves the line now."""
        with self._lock:
            self._waiting.setdefault(organization)
            return self._serving > 0

    @contextmanager
    def turn(self) -> Iterator[int | None]:
        """The turn of the first organization, which leaves the line. Yields None if none waits, or if enough
        threads serve the line: one of them then takes the organization after its present turn."""
        with self._lock:
            organization = None
            if self._waiting and self._serving < self.threads:
                organization = next(iter(self._waiting))
                del self._waiting[organization]
                self._serving += 1
        try:
            yield organization
        finally:
            if organization is not None:
                with self._lock:
                    self._serving -= 1
