"""The fence of a claim: a worker that slept past the end of its claim must not send what another
worker may have sent meanwhile.

The clock is one that nobody can set and that goes on while a process is stopped.
"""

import time


class LeaseExpired(Exception):
    """The body was not handed over: the claim under which it was to be sent has ended."""


def boottime() -> float:
    """Seconds on a clock that no one sets; it counts a machine's sleep too, where the system can."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class FencedRequestBody(bytearray):
    """A body that is handed over until ``not_after`` (``uptime()`` seconds) and not later.

    The connection asks for it when the address has been resolved, the connection made and the headers
    sent: nothing is left between the question and the bytes on their way. Without its body the other
    side has no call.
    """

    def __init__(self, content: bytes, not_after: float) -> None:
        super().__init__(content)
        self._not_after = not_after
        self._is_handed_over = False

    def read(self, size: int = -1) -> bytes:
        """All of it, once. Raises ``ClaimIsOver``."""
        if self._is_handed_over:
            return b""
        if boottime() > self._not_after:
            raise LeaseExpired
        self._is_handed_over = True
        return bytes(self)
