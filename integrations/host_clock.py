"""How far this host's clock is from the database's, which all hosts share.

Due times are written and compared by the hosts' clocks. A few seconds do no harm; a host that is further off
would call too early or too late, and erase too early.
"""

import logging
import socket
import time

from django.db import connection
from django.utils import timezone

logger = logging.getLogger(__name__)

HOST = socket.gethostname()
#: From here on the difference is reported.
REPORTED_SECONDS = 2.0
#: From here on workers and schedulers of this host take no work.
TRUSTED_SECONDS = 10.0
_LOG_EVERY_SECONDS = 60.0


def offset() -> float:
    """By how many seconds at least this host's clock is ahead of the database's; negative if it is behind. 0
    with SQLite, whose clock is the host's."""
    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    asked_at = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
    # The database's time lies between the question and the answer.
    ahead: float = (asked_at - theirs).total_seconds()
    behind: float = (theirs - timezone.now()).total_seconds()
    return max(ahead, 0.0) - max(behind, 0.0)


class HostClock:
    """This process's knowledge of its host's clock."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._logged_at = -_LOG_EVERY_SECONDS

    @property
    def is_trusted(self) -> bool:
        """Whether this process may take work."""
        return abs(self.offset) <= TRUSTED_SECONDS

    def check(self) -> float:
        """Compare the clocks, and log a difference once a minute. Returns ``offset()``."""
        was_off, self.offset = is_off(self.offset), offset()
        if not is_off(self.offset):
            if was_off:
                logger.info("the clock of this host agrees with the database's again")
        elif time.monotonic() - self._logged_at >= _LOG_EVERY_SECONDS:
            self._logged_at = time.monotonic()
            logger.error("the clock of this host is %s%s", describe(self.offset), _consequence(self))
        return self.offset


def is_off(seconds: float) -> bool:
    return abs(seconds) > REPORTED_SECONDS


def describe(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the database's"


def _consequence(clock: HostClock) -> str:
    return "" if clock.is_trusted else ": its workers and schedulers take no work until it is corrected"


#: The clock of this process's host.
host_clock = HostClock()
