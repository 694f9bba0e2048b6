"""Fencing: a worker that was suspended past the expiry of its lease must not send what another worker may
have sent in the meantime.

Deadlines are on a clock that cannot be set and that runs on while a process is stopped.
"""

import time


class LeaseExpired(Exception):
    """The lease expired before the request body was sent."""


def boottime() -> float:
    """Seconds since boot. Includes the time that the machine was suspended, where the system can tell."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class FencedRequestBody(bytearray):
    """A request body that cannot be read after ``not_after`` (``boottime()`` seconds).

    The connection reads it after the host name is resolved, the connection is made and the headers are sent,
    immediately before the bytes go out. Without its body the other side has received no call.
    """

    def __init__(self, content: bytes, not_after: float) -> None:
        super().__init__(content)
        self._not_after = not_after
        self._is_handed_over = False

    def read(self, size: int = -1) -> bytes:
        """The whole body, once; then nothing. Raises ``LeaseExpired`` after the deadline."""
        if self._is_handed_over:
            return b""
        if boottime() > self._not_after:
            raise LeaseExpired
        self._is_handed_over = True
        return bytes(self)
