"""Named places in the code where a process may die at the worst moment: after the claim, after the
call and before its record, between commit and message.

In production ``reach`` does nothing. The fault machine (``make chaos``) and the tests set
``FAILPOINTS_DIR`` to a folder; a file there with a point's name makes the next process that reaches
it die (or, where the file says ``stop``, sleep until it is continued), once.
"""

import os
import signal
from pathlib import Path

from django.conf import settings

#: Every point, so that a test can visit them all. Their order is that of an order's life.
POINTS = (
    "start.before_commit",
    "start.committed",
    "place.claimed",
    "place.called",
    "place.before_commit",
    "place.committed",
    "look_up.claimed",
    "look_up.called",
    "look_up.before_commit",
    "look_up.committed",
    "cancel.claimed",
    "cancel.called",
    "cancel.before_commit",
    "cancel.committed",
    "push.before_commit",
    "push.committed",
    "poll.claimed",
    "poll.called",
    "poll.before_commit",
    "poll.committed",
    "deliver.claimed",
    "deliver.called",
    "deliver.before_commit",
    "deliver.committed",
    "sweep.found",
)


def failpoint(point: str) -> None:
    """The process is at ``point`` now. Raises ``ValueError`` for a point that ``POINTS`` does not name, where
    points are in use."""
    if (settings.FAILPOINT_HANDLER or settings.FAILPOINTS_DIR) and point not in POINTS:
        raise ValueError(f"{point} is not in POINTS, so no test visits it.")
    if settings.FAILPOINT_HANDLER:
        settings.FAILPOINT_HANDLER(point)
    elif settings.FAILPOINTS_DIR:
        _die_if_asked(Path(settings.FAILPOINTS_DIR) / point)


def _die_if_asked(file: Path) -> None:
    try:
        how = file.read_text().strip()
        # Whoever removes the file is the one who dies.
        file.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
