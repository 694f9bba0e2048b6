"""Runs the Procfile's processes: restarts those that exit, and stops all of them gracefully.

Plain honcho stops everything as soon as one process exits. Here, a process that was up or was killed is
restarted. A process that cannot start (its port is in use, its settings are wrong) still stops all, so that
the error is seen. On SIGTERM no process takes new work, running work has 25 s to finish, and the broker stops
last, so that the workers can return the tasks that they have not begun.
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

#: A process that is still running then is killed; the workers have 25 s.
_KILL_AFTER_SECONDS = 27
#: A process that exits by itself sooner than this was never up.
_UP_AFTER_SECONDS = 5
_MAX_RESTARTS_PER_MINUTE = 10
_STOPPED_LAST = "broker"
#: It exits by itself only if the portal never became ready.
_NOT_RESTARTED = "ready"

honcho.manager.KILL_WAIT = _KILL_AFTER_SECONDS


class _GroupPopen(honcho.process.Popen):
    """A process whose children are killed when it exits. Otherwise the web server's workers would continue
    without their master."""

    def __init__(self, command: str, **options: Any) -> None:
        super().__init__(command, **options)
        threading.Thread(target=self._kill_group_on_exit, daemon=True).start()

    def _kill_group_on_exit(self) -> None:
        self.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Supervisor(honcho.manager.Manager):
    """honcho's manager, with restarts and with the broker stopped last."""

    def __init__(self) -> None:
        super().__init__()
        self._started_at: dict[str, float] = {}
        self._restarts: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_MAX_RESTARTS_PER_MINUTE))
        self._is_stopping_last = False

    def add_process(self, name: str, command: str, **options: Any) -> honcho.process.Process:
        process = super().add_process(name, command, **options)
        process._child_ctor = _GroupPopen
        return process

    def _start(self) -> None:
        super()._start()
        self._started_at = dict.fromkeys(self._processes, time.monotonic())

    def _any_stopped(self) -> bool:
        """Called in each iteration of honcho's loop: restarts the processes that have exited."""
        for name, state in self._processes.items():
            if "returncode" in state and not self._terminating and self._may_restart(name):
                self._restart(name)
        return bool(super()._any_stopped())

    def _may_restart(self, name: str) -> bool:
        was_killed = self._processes[name]["returncode"] < 0
        now, restarts = time.monotonic(), self._restarts[name]
        was_up = name != _NOT_RESTARTED and now - self._started_at[name] > _UP_AFTER_SECONDS
        restarted_too_often = len(restarts) == restarts.maxlen and now - restarts[0] < 60
        return (was_killed or was_up) and not restarted_too_often

    def _restart(self, name: str) -> None:
        self._system_print(f"{name} exited and is restarted\n")
        state = self._processes[name]
        del state["returncode"]
        self.returncode = None
        self._started_at[name] = time.monotonic()
        self._restarts[name].append(time.monotonic())
        process = type(state["process"])
        state["process"] = process(name=name, target=state["obj"].run, args=(self.events, True))
        state["process"].start()

    def _all_stopped(self) -> bool:
        """Called in each iteration as well: stops the broker once the others have exited."""
        others = [state for name, state in self._processes.items() if name != _STOPPED_LAST]
        have_exited = all("returncode" in state for state in others)
        if self._terminating and not self._is_stopping_last and have_exited:
            self._is_stopping_last = True
            self._killall()
        return bool(super()._all_stopped())

    def _killall(self, force: bool = False) -> None:
        state = self._processes.get(_STOPPED_LAST, {})
        if force or self._is_stopping_last or "returncode" in state:
            super()._killall(force)
            return
        # honcho signals the processes without a return code: this one is excluded for now.
        state["returncode"] = None
        super()._killall(force)
        del state["returncode"]
