"""Keeps the Procfile's processes up: one that dies is started again, and all end together, gently.

honcho ends everything as soon as one process ends. Here a process that had been up, or was killed,
comes again; one that cannot start (its port is taken, its settings are wrong) still ends all, so that
the mistake is seen. On SIGTERM nobody takes new work, what runs has 25 s to finish, and the broker goes
last, so that the workers can still hand back what they have not begun.
"""

import contextlib
import os
import signal
import threading
import time
from collections import defaultdict, deque
from typing import Any

import honcho.manager
import honcho.process

#: A little more than the 25 s that the workers have: who is still there then is killed.
_KILL_AFTER_SECONDS = 27
#: Who dies sooner than this by itself was never up.
_UP_AFTER_SECONDS = 5
_MOST_RESTARTS_A_MINUTE = 10
_LAST = "broker"
#: Its own exit says that the portal never answered.
_ONCE = "ready"

honcho.manager.KILL_WAIT = _KILL_AFTER_SECONDS


class _WithItsChildren(honcho.process.Popen):
    """A process whose own children end with it: a web server's workers would go on without their
    master, and nobody would notice that it has died."""

    def __init__(self, command: str, **options: Any) -> None:
        super().__init__(command, **options)
        threading.Thread(target=self._end_together, daemon=True).start()

    def _end_together(self) -> None:
        self.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Keeper(honcho.manager.Manager):
    """honcho's manager, with restarts and an order of ending."""

    def __init__(self) -> None:
        super().__init__()
        self._started_at: dict[str, float] = {}
        self._restarts: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_MOST_RESTARTS_A_MINUTE))
        self._last_was_told = False

    def add_process(self, name: str, command: str, **options: Any) -> honcho.process.Process:
        process = super().add_process(name, command, **options)
        process._child_ctor = _WithItsChildren
        return process

    def _start(self) -> None:
        super()._start()
        self._started_at = dict.fromkeys(self._processes, time.monotonic())

    def _any_stopped(self) -> bool:
        """Asked at each turn of honcho's loop: the moment to bring back who has died."""
        for name, state in self._processes.items():
            if "returncode" in state and not self._terminating and self._may_come_again(name):
                self._bring_back(name)
        return bool(super()._any_stopped())

    def _may_come_again(self, name: str) -> bool:
        was_killed = self._processes[name]["returncode"] < 0
        now, restarts = time.monotonic(), self._restarts[name]
        was_up = name != _ONCE and now - self._started_at[name] > _UP_AFTER_SECONDS
        too_often = len(restarts) == restarts.maxlen and now - restarts[0] < 60
        return (was_killed or was_up) and not too_often

    def _bring_back(self, name: str) -> None:
        self._system_print(f"{name} has ended and is started again\n")
        state = self._processes[name]
        del state["returncode"]
        self.returncode = None
        self._started_at[name] = time.monotonic()
        self._restarts[name].append(time.monotonic())
        state["process"] = type(state["process"])(
            name=name, target=state["obj"].run, args=(self.events, True)
        )
        state["process"].start()

    def _all_stopped(self) -> bool:
        """Asked at each turn too: once the others have ended, the broker may."""
        others = [state for name, state in self._processes.items() if name != _LAST]
        if self._terminating and not self._last_was_told and all("returncode" in state for state in others):
            self._last_was_told = True
            self._killall()
        return bool(super()._all_stopped())

    def _killall(self, force: bool = False) -> None:
        state = self._processes.get(_LAST, {})
        if force or self._last_was_told or "returncode" in state:
            super()._killall(force)
            return
        # honcho tells those that have no return code yet.
        state["returncode"] = None
        super()._killall(force)
        del state["returncode"]
