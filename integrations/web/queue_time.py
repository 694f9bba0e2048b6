"""How long a request waited before a thread of this process took it.

While all threads of the web server are busy, it keeps requests in a queue that the application does not see.
A proxy says when it passed a request on. The clocks of two hosts differ, and a clock may be set, so the time
is compared with that of the requests of the last minutes: of many requests, some have not waited.
"""

import math
import re
import time
from collections.abc import Callable, Mapping

#: ``t=`` and the time since 1970: in seconds (nginx), or in milliseconds or microseconds (HAProxy, Heroku).
_HEADER = re.compile(r"(?:t=)?(\d{10})(?:\.(\d{1,6})|(\d{3}|\d{6}))?")

#: How long a request is compared with. A proxy's clock that is set back, or one request with a wrong time,
#: must not make every later start look late for longer than twice this.
_PERIOD_SECONDS = 60.0


class QueueClock:
    """Measures the requests of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # It runs on when the host's clock is set.
        self._clock = clock
        self._began = clock()
        self._epoch = time.time() - self._began
        #: The least differences of the clocks, in the period before and in this one.
        self._before = self._lowest = math.inf

    def seconds_waited(self, meta: Mapping[str, object]) -> float:
        """Return the seconds since the proxy passed the request on, by its header ``X-Request-Start``; 0
        without one."""
        found = _HEADER.fullmatch(str(meta.get("HTTP_X_REQUEST_START") or "").strip())
        if found is None:
            return 0.0
        seconds, *fractions = found.groups()
        now = self._clock()
        apart = self._epoch + now - float(f"{seconds}.{''.join(filter(None, fractions)) or 0}")
        if now - self._began > _PERIOD_SECONDS:
            is_recent = now - self._began <= 2 * _PERIOD_SECONDS
            self._before = self._lowest if is_recent else math.inf
            self._began, self._lowest = now, apart
        self._lowest = min(self._lowest, apart)
        return apart - min(self._before, self._lowest, apart)


queue_clock = QueueClock()
