"""Injects the planned faults."""

import threading
import time
from collections import Counter

from .driver import Driver
from .plan import Fault, Plan
from .processes import Processes

#: The failure switches for modes with a name of our own.
_MODES: dict[str, dict[str, object]] = {
    "success_after": {"mode": "cut_after"},
    "hang_after": {"mode": "hang", "after": True},
    "500_after": {"mode": "500", "after": True},
}


class Injector:
    """Injects the faults of a plan. ``injected`` counts them by kind."""

    def __init__(self, processes: Processes, driver: Driver, plan: Plan) -> None:
        self.processes, self.driver, self.plan = processes, driver, plan
        self.injected: Counter[str] = Counter()
        self._disk = threading.Lock()
        self._running: list[threading.Thread] = []

    def run(self) -> None:
        """Inject every fault at its time, each in its own thread."""
        started_at = time.monotonic()
        for fault in self.plan.faults:
            time.sleep(max(0.0, started_at + fault.at - time.monotonic()))
            thread = threading.Thread(target=self._inject, args=(fault,), daemon=True)
            thread.start()
            self._running.append(thread)

    def end(self) -> None:
        """Wait for faults with a duration, then undo all faults."""
        for thread in self._running:
            thread.join(90)
        for point in list(self.processes.failpoints.iterdir()):
            point.unlink(missing_ok=True)
            self.injected[f"(not reached: {point.name})"] += 1
        self.processes.resume_all()
        self.processes.control("DELETE", "failures")
        self.processes.control("POST", "dialect/end-faults")

    def _inject(self, fault: Fault) -> None:
        kind, _, detail = fault.kind.partition(" ")
        if fault.kind == "failpoint":
            (self.processes.failpoints / fault.target).write_text("kill")
        elif fault.kind == "sleep at":
            self._sleep_at(fault)
        elif kind == "kill":
            self._kill(detail.removeprefix("-9 "))
        elif kind == "stop":
            self._move_clock_meanwhile(fault)
            self.processes.pause(fault.target, fault.seconds)
        elif kind in ("ashby", "justifacts"):
            self._fail(kind, detail, fault)
        elif fault.kind == "wipe broker":
            self.processes.wipe_broker()
        elif fault.kind == "rotate key":
            self.driver.rotate_key(int(fault.target), fault.seconds)
        elif fault.kind == "rotate keys early":
            self.driver.rotate_keys_early(int(fault.target), fault.seconds)
        elif fault.kind == "move clock":
            self.processes.move_clock(fault.seconds)
        elif fault.kind == "disk full":
            with self._disk:
                self.processes.fill_disk(fault.seconds)
        self.injected[f"{fault.kind} {fault.target}" if kind == "stop" else fault.kind] += 1

    def _kill(self, name: str) -> None:
        if name == "postgresql" and self.processes.servers:
            self.processes.servers.restart_postgresql()
        elif name == "redis" and self.processes.servers:
            self.processes.servers.restart_redis()
        else:
            self.processes.kill(name)

    def _sleep_at(self, fault: Fault) -> None:
        """The next process at the failpoint is suspended there until its lease has expired."""
        point = self.processes.failpoints / fault.target
        point.write_text("stop")
        deadline = time.monotonic() + 15
        while point.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        point.unlink(missing_ok=True)
        self._move_clock_meanwhile(fault)
        time.sleep(fault.seconds)
        self.processes.resume_all()

    def _move_clock_meanwhile(self, fault: Fault) -> None:
        """In a short run, while a process is suspended."""
        if seconds := fault.details.get("move clock"):
            self.processes.move_clock(float(str(seconds)))

    def _fail(self, partner: str, mode: str, fault: Fault) -> None:
        switch = {"side": partner, **(_MODES.get(mode) or {"mode": mode}), **fault.details}
        if fault.target:
            switch["org"] = f"chaos-{fault.target}"
        if mode in ("hang", "hang_after", "slow"):
            # The portal's time-out is 10 s: some answers come late, some too late.
            switch["seconds"] = 4 + fault.seconds * 2
        if mode == "429":
            switch["seconds"] = min(fault.seconds, 4)
        self.processes.control("POST", "failures", **switch)
