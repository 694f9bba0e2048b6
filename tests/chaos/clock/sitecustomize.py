"""Moves the clock of the portal's processes while they run: found on PYTHONPATH by every Python process
that the fault machine starts. ``CHAOS_CLOCK`` names a file with the seconds by which the clock is off."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

_FILE = Path(os.environ["CHAOS_CLOCK"])
_off = float(_FILE.read_text())
_clock = time_machine.travel(datetime.now(UTC) + timedelta(seconds=_off), tick=True).start()


def _follow() -> None:
    global _off
    while True:
        time.sleep(0.1)
        off = float(_FILE.read_text())
        if off != _off:
            _clock.shift(timedelta(seconds=off - _off))
            _off = off


def _begin() -> None:
    threading.Thread(target=_follow, daemon=True, name="chaos-clock").start()


_begin()
# A thread does not survive a fork.
os.register_at_fork(after_in_child=_begin)
