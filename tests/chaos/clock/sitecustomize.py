"""Moves the clock of the portal's running processes. Every Python process of the chaos test imports this
module, which is on its PYTHONPATH. ``CHAOS_CLOCK`` names a file with the offset of the clock in seconds."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

_FILE = Path(os.environ["CHAOS_CLOCK"])
_offset = float(_FILE.read_text())
_clock = time_machine.travel(datetime.now(UTC), tick=True).start()
# On a busy machine it takes seconds to start.
_clock.shift(time_machine.escape_hatch.time.time() + _offset - time.time())


def _follow() -> None:
    global _offset
    while True:
        time.sleep(0.1)
        offset = float(_FILE.read_text())
        if offset != _offset:
            _clock.shift(timedelta(seconds=offset - _offset))
            _offset = offset


def _begin() -> None:
    threading.Thread(target=_follow, daemon=True, name="chaos-clock").start()


_begin()
# A fork does not copy the thread.
os.register_at_fork(after_in_child=_begin)
