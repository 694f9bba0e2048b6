"""Injects the faults of hosts, besides those of every run, and records when a web host or the database did
not work."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.portal.processes import eventually

from ..driver import Driver
from ..injector import Injector
from ..plan import Fault, Plan
from .hosts import WEB, Hosts
from .starts import DATABASE, Outage

_UPGRADE_SECONDS = 600


class HostInjector(Injector):
    """``new_code``: the version to which the hosts are upgraded. ``snapshot``: the file that the fault of
    this name writes."""

    processes: Hosts

    def __init__(self, hosts: Hosts, driver: Driver, plan: Plan, new_code: Path, snapshot: Path) -> None:
        super().__init__(hosts, driver, plan)
        self._new_code, self.snapshot = new_code, snapshot
        self.outages: list[Outage] = []
        #: Every fault of a host, for whoever looks at a finding.
        self.history: list[Outage] = []
        self._in_use = {name: threading.Lock() for name in hosts.names}
        self._is_upgraded = threading.Event()
        if all(fault.kind != "rolling upgrade" for fault in plan.faults):
            self._is_upgraded.set()

    def end(self) -> None:
        """Also wait until every host is upgraded and up."""
        assert self._is_upgraded.wait(_UPGRADE_SECONDS), "the rolling upgrade did not end"
        super().end()
        for name in self.processes.names:
            eventually(lambda name=name: self.processes.is_up(name), f"{name} is up again", 120)

    def _inject(self, fault: Fault) -> None:
        began = time.time()
        self._inject_on_hosts(fault)
        self.history.append(Outage(fault.target, fault.kind, began, time.time()))

    def _inject_on_hosts(self, fault: Fault) -> None:
        hosts, name = self.processes, fault.target
        kind, _, cut_off = fault.kind.partition(" from ")
        if fault.kind == "rolling upgrade":
            try:
                self._upgrade()
            finally:
                self._is_upgraded.set()
        elif fault.kind == "snapshot":
            with contextlib.suppress(FileNotFoundError):
                self.snapshot.unlink()
            hosts.services.dump(self.snapshot)
        elif fault.kind == "restart postgresql":
            with self._outage(DATABASE, fault.kind):
                hosts.services.restart_postgresql()
        elif fault.kind == "restart redis":
            hosts.services.stop_redis()
            time.sleep(2)
            hosts.services.start_redis()
        elif fault.kind.startswith("lose "):
            self._lose(fault)
        elif kind == "cut":
            # A web host has to take starts without Redis, the partners and the recovery log.
            is_outage = self._outage(name, fault.kind) if cut_off == "database" else contextlib.nullcontext()
            with self._in_use[name], is_outage:
                hosts.network.cut(name, hosts.targets[cut_off])
                time.sleep(fault.seconds)
                hosts.network.connect(name, hosts.targets[cut_off])
        elif fault.kind == "slow link":
            # A start that is on this link may take longer than a client waits, and only Ashby may repeat it.
            with self._only_web_host(name), self._outage(name, fault.kind):
                hosts.network.slow(name)
                time.sleep(fault.seconds)
                hosts.network.end_slow(name)
        elif fault.kind == "clock off":
            hosts.skew(name, float(str(fault.details["offset"])))
            time.sleep(fault.seconds)
            hosts.skew(name, 0)
        else:
            if fault.kind == "stop" and name not in hosts.running:
                return
            super()._inject(fault)
            return
        self.injected[fault.kind] += 1

    def _lose(self, fault: Fault) -> None:
        name = fault.target
        with self._in_use[name], self._outage(name, fault.kind):
            self.processes.lose(name)
            time.sleep(fault.seconds)
            self.processes.replace(name)
            eventually(lambda: self.processes.is_up(name), f"{name} is up", 120)

    @contextlib.contextmanager
    def _only_web_host(self, name: str) -> Iterator[None]:
        """If it is a web host, no other one fails meanwhile: an upgrade takes it away, and over a slow link a
        client that waits 5 s may get no answer."""
        with contextlib.ExitStack() as used:
            for one in WEB if name in WEB else (name,):
                used.enter_context(self._in_use[one])
            yield

    def _upgrade(self) -> None:
        """Migrate, then restart the hosts one by one with the new version."""
        hosts = self.processes
        hosts.use_code(self._new_code)
        hosts.migrate()
        for name in hosts.names:
            with self._only_web_host(name):
                if name in WEB:
                    hosts.balancer.drain(name)
                    time.sleep(1)
                hosts.restart(name)
                if name in WEB:
                    hosts.balancer.refill(name)

    @contextlib.contextmanager
    def _outage(self, what: str, kind: str) -> Iterator[None]:
        began = time.time()
        try:
            yield
        finally:
            self.outages.append(Outage(what, kind, began, time.time()))
