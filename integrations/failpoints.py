"""Failpoints: named places in the code where a crash would do the most damage, such as between a call and
its record.

In production ``failpoint`` does nothing. The chaos tests (``make chaos``) set ``FAILPOINTS_DIR`` to a
folder. A file there with the name of a failpoint kills the next process that reaches it, once; if the file
says ``stop``, the process is stopped until it is continued.
"""

import os
import signal
from pathlib import Path

from django.conf import settings

#: Every failpoint, in the sequence of an order's life. A test visits each of them.
POINTS = (
    *("start.before_commit", "start.committed"),
    *("place.claimed", "place.called", "place.before_commit", "place.committed"),
    *("look_up.claimed", "look_up.called", "look_up.before_commit", "look_up.committed"),
    *("cancel.claimed", "cancel.called", "cancel.before_commit", "cancel.committed"),
    *("push.before_commit", "push.committed"),
    *("poll.claimed", "poll.called", "poll.before_commit", "poll.committed"),
    *("deliver.claimed", "deliver.called", "deliver.before_commit", "deliver.committed"),
    "sweep.found",
)


def failpoint(point: str) -> None:
    """Kill or stop the process if a test asks for it at ``point``, or call ``FAILPOINT_HANDLER``. Raises
    ``ValueError`` for a point that is not in ``POINTS``, if failpoints are in use."""
    if (settings.FAILPOINT_HANDLER or settings.FAILPOINTS_DIR) and point not in POINTS:
        raise ValueError(f"{point} is not in POINTS, so no test visits it.")
    if settings.FAILPOINT_HANDLER:
        settings.FAILPOINT_HANDLER(point)
    elif settings.FAILPOINTS_DIR:
        _die_if_asked(Path(settings.FAILPOINTS_DIR) / point)


def _die_if_asked(file: Path) -> None:
    try:
        action = file.read_text().strip()
        # Of several processes, only the one that removes the file dies.
        file.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)
