"""How long a request waited before a thread of this process took it.

While all threads of the web server are busy, it keeps requests in a queue that the application does not see.
A proxy says when it passed a request on. The clocks of two hosts differ, and a clock may be set, so the time
is compared with that of the requests before: of many requests, some have not waited.
"""

import re
import time
from collections import deque
from collections.abc import Mapping

from integrations.http.fencing import boottime

#: ``t=`` and the time since 1970: in seconds (nginx), or in milliseconds or microseconds (HAProxy, Heroku).
_HEADER = re.compile(r"(?:t=)?(\d{10})(?:\.(\d{1,6})|(\d{3}|\d{6}))?")


class QueueClock:
    """Measures the requests of one process."""

    def __init__(self) -> None:
        # This clock runs on when the host's clock is set.
        self._epoch = time.time() - boottime()
        self._seen = deque[float](maxlen=1000)

    def seconds_waited(self, meta: Mapping[str, object]) -> float:
        """Return the seconds since the proxy passed the request on, by its header ``X-Request-Start``; 0
        without one."""
        found = _HEADER.fullmatch(str(meta.get("HTTP_X_REQUEST_START") or "").strip())
        if found is None:
            return 0.0
        seconds, *fractions = found.groups()
        apart = self._epoch + boottime() - float(f"{seconds}.{''.join(filter(None, fractions)) or 0}")
        self._seen.append(apart)
        return apart - min(self._seen)


queue_clock = QueueClock()
