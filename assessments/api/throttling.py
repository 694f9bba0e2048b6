"""How many calls a minute one key or one client IP may make to the portal.

The limit is large, because Ashby calls for all its customers from a few addresses. Each web process counts
for itself, so that an ordinary call costs no round trip to the cache.
"""

import time
from collections import Counter

from django.conf import settings
from rest_framework.exceptions import ErrorDetail, Throttled

#: Keys and addresses that one process remembers, before it starts to count afresh.
_MAX_ENTRIES = 10_000


class TooManyCalls(Throttled):
    """429. ``wait``: whole seconds until a retry can succeed."""

    default_code = "too_many_requests"

    def __init__(self, wait: int, detail: str) -> None:
        super().__init__(wait)
        self.wait = wait
        # Throttled's own sentence repeats the seconds, which are in Retry-After.
        self.detail = ErrorDetail(detail, code=self.default_code)


class CallsPerMinute:
    """This process's count for each key and address, in whole minutes."""

    def __init__(self) -> None:
        self._minute = 0
        self._calls: Counter[str] = Counter()

    def take(self, caller: str) -> None:
        """Count a call. Raises ``TooManyCalls`` above ``INBOUND_CALLS_PER_MINUTE``."""
        now = time.time()
        if int(now // 60) != self._minute or len(self._calls) > _MAX_ENTRIES:
            self._minute, self._calls = int(now // 60), Counter()
        self._calls[caller] += 1
        if self._calls[caller] > settings.INBOUND_CALLS_PER_MINUTE:
            wait = 60 - int(now % 60)
            raise TooManyCalls(wait, "Too many calls in one minute. Try again shortly.")


calls = CallsPerMinute()
