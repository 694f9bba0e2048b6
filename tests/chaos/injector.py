"""Breaks things, as planned."""

import threading
import time
from collections import Counter

from .driver import Driver
from .plan import Fault, Plan
from .world import World

#: How the sandbox is told to fail.
_MODES: dict[str, dict[str, object]] = {
    "success_after": {"mode": "cut_after"},
    "hang_after": {"mode": "hang", "after": True},
    "500_after": {"mode": "500", "after": True},
}


class Injector:
    """``injected`` counts the faults that took place, by kind."""

    def __init__(self, world: World, driver: Driver, plan: Plan) -> None:
        self.world, self.driver, self.plan = world, driver, plan
        self.injected: Counter[str] = Counter()
        self._disk = threading.Lock()
        self._running: list[threading.Thread] = []

    def run(self) -> None:
        began = time.monotonic()
        for fault in self.plan.faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            thread = threading.Thread(target=self._inject, args=(fault,), daemon=True)
            thread.start()
            self._running.append(thread)

    def end(self) -> None:
        """Waits for faults that last, then takes everything back."""
        for thread in self._running:
            thread.join(90)
        for point in list(self.world.points.iterdir()):
            point.unlink(missing_ok=True)
            self.injected[f"(not reached: {point.name})"] += 1
        self.world.continue_all()
        self.world.control("DELETE", "failures")
        self.world.control("POST", "dialect/end-faults")

    def _inject(self, fault: Fault) -> None:
        kind, _, what = fault.kind.partition(" ")
        if fault.kind == "crash point":
            (self.world.points / fault.target).write_text("kill")
        elif fault.kind == "sleep at":
            self._sleep_at(fault)
        elif kind == "kill":
            self._kill(what.removeprefix("-9 "))
        elif kind == "stop":
            self.world.stop(fault.target, fault.seconds)
        elif kind in ("ashby", "justifacts"):
            self._fail(kind, what, fault)
        elif fault.kind == "wipe broker":
            self.world.wipe_broker()
        elif fault.kind == "rotate key":
            self.driver.rotate_key(int(fault.target), fault.seconds)
        elif fault.kind == "rotate keys early":
            self.driver.rotate_keys_early(int(fault.target), fault.seconds)
        elif fault.kind == "move clock":
            self.world.move_clock(fault.seconds)
        elif fault.kind == "disk full":
            with self._disk:
                self.world.fill_disk(fault.seconds)
        self.injected[f"{fault.kind} {fault.target}" if kind == "stop" else fault.kind] += 1

    def _kill(self, name: str) -> None:
        if name == "postgresql" and self.world.servers:
            self.world.servers.restart_postgresql()
        elif name == "redis" and self.world.servers:
            self.world.servers.restart_redis()
        else:
            self.world.kill(name)

    def _sleep_at(self, fault: Fault) -> None:
        """Whoever comes to the point next sleeps there, until after its claim has ended."""
        point = self.world.points / fault.target
        point.write_text("stop")
        until = time.monotonic() + 15
        while point.exists() and time.monotonic() < until:
            time.sleep(0.1)
        point.unlink(missing_ok=True)
        time.sleep(fault.seconds)
        self.world.continue_all()

    def _fail(self, side: str, mode: str, fault: Fault) -> None:
        switch = {"side": side, **(_MODES.get(mode) or {"mode": mode}), **fault.details}
        if fault.target:
            switch["org"] = f"chaos-{fault.target}"
        if mode in ("hang", "hang_after", "slow"):
            # Our time-out is 10 s: some answer late, some too late.
            switch["seconds"] = 4 + fault.seconds * 2
        if mode == "429":
            switch["seconds"] = min(fault.seconds, 4)
        self.world.control("POST", "failures", **switch)
