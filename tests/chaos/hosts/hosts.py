"""The hosts of a run, with one process each, the partners, and nginx. A process that exits is restarted, as
by an init system."""

import contextlib
import os
import shutil
import signal
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import requests
from cryptography.fernet import Fernet

from tests.e2e.portal.processes import ROOT, eventually
from tests.fixtures.servers.migrated import dump_migrated

from ..processes import Processes
from . import services
from .load_balancer import PORT, LoadBalancer
from .network import Network

WEB, WORKERS, SCHEDULERS = ("web1", "web2"), ("worker1", "worker2", "worker3"), ("scheduler1", "scheduler2")
HOSTS = (*WEB, *WORKERS, *SCHEDULERS)
_CONSOLE, _PARTNERS, _BALANCER = "console", "partners", "balancer"
_SANDBOX_PORT = 9001
_EVERY_INTERFACE = "0.0.0.0"  # nosec B104 # noqa: S104 - on the hosts' own network
#: The last bytes of the addresses. Ashby and Justifacts have one each.
_ADDRESSES = {
    services.HOST: ("10", "11", "12"),
    _PARTNERS: ("20", "21"),
    _BALANCER: ("30",),
    _CONSOLE: ("40",),
    **{name: (str(number),) for number, name in enumerate(HOSTS, 50)},
}


class Hosts(Processes):
    """``code``: the folder of the version with which the run begins. ``names``: the hosts of this run."""

    def __init__(self, folder: Path, code: Path, names: Collection[str] = HOSTS) -> None:
        # nginx and PostgreSQL run as other users.
        folder.chmod(0o755)
        super().__init__(folder, "hosts")
        self.code, self.names = code, tuple(names)
        absent = set(HOSTS).difference(names)
        self.network = Network({name: its for name, its in _ADDRESSES.items() if name not in absent})
        address = self.network.address
        self.services = services.Services(self.network)
        self.targets = {
            "database": address(services.HOST, services.DATABASE),
            "redis": address(services.HOST, services.REDIS),
            "recovery log": address(services.HOST, services.RECOVERY_LOG),
            "ashby": address(_PARTNERS, 0),
            "justifacts": address(_PARTNERS, 1),
        }
        ashby, justifacts = (
            f"http://{self.targets[name]}:{_SANDBOX_PORT}" for name in ("ashby", "justifacts")
        )
        self.sandbox, self.url = ashby, f"http://{address(_BALANCER)}:{PORT}"
        self.balancer = LoadBalancer(folder / "nginx", {name: address(name) for name in WEB})
        self.environment |= {
            **self.services.environment,
            "PORT": str(PORT),
            "HOST": _EVERY_INTERFACE,
            "PORTAL_BASE_URL": self.url,
            "TRUSTED_PROXY_HOPS": "1",
            "ASHBY_API_BASE_URL": f"{ashby}/ashby-api",
            "JUSTIFACTS_BASE_URL": f"{justifacts}/jfacts/servlet/application_ashby/",
            "OUTBOUND_ALLOWED_HOSTS": ",".join(url.removeprefix("http://") for url in (ashby, justifacts)),
            "SECRET_KEY": os.urandom(32).hex(),
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "MIGRATE": "off",
            "WEB_WORKERS": "1",
            "WORKER_THREADS": "8",
        }
        sandbox = "python -m integrations.sandbox"
        self.commands = {
            "balancer": self.balancer.command,
            "sandbox": f"env -u PYTHONPATH {sandbox} --host {_EVERY_INTERFACE} --port {_SANDBOX_PORT}",
            **{name: f"python -m config.run {name.rstrip('0123456789')}" for name in names},
        }
        self._at = {"balancer": _BALANCER, "sandbox": _PARTNERS}
        self._offset, self._skews = 0.0, dict.fromkeys((*names, _CONSOLE), 0.0)
        self._clocks = threading.Lock()
        self._starting = threading.RLock()
        self._set_clocks()

    def __enter__(self) -> Self:
        try:
            self.network.__enter__()
            self.services.start()
            super().__enter__()
        except BaseException:
            self.__exit__()
            raise
        self.balancer.watch(self._ending)
        return self

    def __exit__(self, *error: object) -> None:
        try:
            super().__exit__(*error)
        finally:
            try:
                self.services.end()
            finally:
                self.network.__exit__()

    def _prepare_database(self) -> None:
        """Migrating takes longer than everything else before the run, so this copies what the tests have
        migrated, if it is the same version."""
        migrated = self.folder / "migrated.dump"
        if self.code == ROOT and dump_migrated(migrated):
            self.services.restore(migrated)
        else:
            self.migrate()

    def migrate(self) -> None:
        """With the newest code."""
        subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            self.network.command(_CONSOLE, sys.executable, "-m", "config.run", "migrate"),
            env=self._environment(_CONSOLE),
            cwd=self.code,
            check=True,
            timeout=300,
        )

    def start(self, name: str) -> None:
        """Start the process of a host, with the newest code."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                self.network.command(self._at.get(name, name), *self.commands[name].split()),
                env=self._environment(name),
                cwd=ROOT if name in self._at else self.code,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        with self._starting:
            super().end(name, how)

    def end_gently(self, name: str) -> None:
        """As an init system stops a process: with SIGTERM, and 30 s later with SIGKILL."""
        with self._starting:
            process = self.running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            print(f"  {name} did not stop within 30 s", flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end_work(self) -> None:
        """Stop all workers and schedulers; running work ends."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.end_gently, (name for name in self.names if name not in WEB)))

    def _restart_exited(self) -> None:
        while not self._ending.wait(0.5):
            with self._starting:
                for name, process in list(self.running.items()):
                    if name == "console" or process.poll() is None or self._ending.is_set():
                        continue
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    self.start(name)
                    self.restarts += 1

    def _console(self) -> Any:
        if "console" not in self.running:
            self.running["console"] = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                self.network.command(_CONSOLE, sys.executable, "-m", "tests.e2e.portal.console"),
                env=self._environment(_CONSOLE) | {"DJANGO_SETTINGS_MODULE": "config.settings"},
                cwd=self.code,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self.running["console"]

    def use_code(self, code: Path) -> None:
        """Processes that start from now on have this version."""
        with self._console_lock:
            self.code = code
            if "console" in self.running:
                self.end("console")

    def _environment(self, name: str) -> dict[str, str]:
        clock = self.folder / f"clock-{name}"
        return self.environment | {"VAR_DIR": str(self._disk(name)), "CHAOS_CLOCK": str(clock)}

    def _disk(self, name: str) -> Path:
        return self.folder / "disks" / name

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return (
                all(self.is_web_ready(name) for name in WEB)
                and requests.get(f"{self.url}/health/status", timeout=5).status_code == 200
                and self.control("GET", "health").status_code == 200
            )
        return False

    def is_web_ready(self, name: str) -> bool:
        with contextlib.suppress(requests.RequestException):
            url = f"http://{self.network.address(name)}:{PORT}/health/ready"
            return requests.get(url, timeout=3).status_code == 200
        return False

    def is_up(self, name: str) -> bool:
        """Whether the process of a host works."""
        if name in WEB:
            return self.is_web_ready(name)
        if name in WORKERS:
            return (self._disk(name) / "worker.heartbeat").exists()
        return name in self.running and self.running[name].poll() is None

    # Faults

    def lose(self, name: str) -> None:
        """The host is gone, with its disk, and sends nothing any more."""
        with self._starting:
            self.network.unplug(name)
            if name in self.running:
                self.end(name)
            self.network.leave(name)
            shutil.rmtree(self._disk(name), ignore_errors=True)

    def replace(self, name: str) -> None:
        """A fresh host joins at the address of a lost one."""
        with self._starting:
            self.network.join(name)
            self.start(name)

    def restart(self, name: str) -> None:
        """Stop the host's process in an orderly way and start it again, with the newest code."""
        self.end_gently(name)
        (self._disk(name) / "worker.heartbeat").unlink(missing_ok=True)
        with self._starting:
            self.start(name)
        eventually(lambda: self.is_up(name), f"{name} is up", 90)

    def move_clock(self, seconds: float) -> None:
        """Move all clocks, that of the database as well."""
        with self._clocks:
            self._offset += seconds
            self.services.set_clock(self._offset)
            self._set_clocks()

    def skew(self, name: str, seconds: float) -> None:
        """Give one host a wrong clock."""
        with self._clocks:
            self._skews[name] = seconds
            self._set_clocks()

    def _set_clocks(self) -> None:
        for name, skew in self._skews.items():
            file = self.folder / f"clock-{name}"
            new = file.with_suffix(".new")
            new.write_text(str(self._offset + skew))
            new.replace(file)
