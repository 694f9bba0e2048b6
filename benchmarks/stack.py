"""The portal's real processes and the sandbox, on free ports and with their own VAR_DIR."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess  # nosec B404 # starts this project's own commands
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn, cast
from urllib.parse import urlsplit

import requests
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
VERIFICATION_KEY = "bench-verification-key-0123456789"
REFERENCE = "benchmarks.reference.settings"
ASHBY_KEY = "bench-ashby-key-0123456789"
BARE_VERIFICATION_KEY = "bare-verification-key-0123456789"
BARE_ASHBY_KEY = "bare-ashby-key-0123456789"
BARE_PACKAGE = "bare-package"
_OTHERS = ("sandbox", "reference", "bare")
_SCOPES = ["candidates:read", "candidates:write", "jobs:read", "apiKeys:read"]
_INHERITED = ("WEB_WORKERS", "WORKER_THREADS", "HOME", "LANG", "TMPDIR")


class Stack:
    """Starts and stops processes by name. All write to one log."""

    def __init__(self, folder: Path, database_url: str = "", web_options: str = "") -> None:
        self.port, self.reference_port = _free_ports(2)
        self.sandbox_url = ""
        self._log = open(folder / "processes.log", "ab")  # noqa: SIM115
        self._log_path = folder / "processes.log"
        self._running: dict[str, subprocess.Popen[Any]] = {}
        procfile = parse_procfile((ROOT / "Procfile").read_text()).processes
        self._commands = dict(procfile)
        self._commands["web"] = f"{procfile['web']} {web_options}"
        self._commands["reference"] = (
            self._commands["web"]
            .replace("config.wsgi", "benchmarks.reference.wsgi")
            .replace("${PORT:-8000}", str(self.reference_port))
        )
        self._commands["bare"] = (
            f"env DJANGO_SETTINGS_MODULE={REFERENCE} python -m benchmarks.inside bare.loop"
        )
        self.environment = {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database_url,
            # Empty: the embedded services, and secrets generated at the first start.
            **dict.fromkeys(("CELERY_BROKER_URL", "CACHE_URL", "FIELD_ENCRYPTION_KEYS", "SECRET_KEY"), ""),
            "DEBUG": "off",
            "LOG_LEVEL": "WARNING",
            "PORT": str(self.port),
            "PORTAL_BASE_URL": self.portal_url,
            # No poll unless a part of the benchmark wants some.
            "POLL_INTERVAL_SECONDS": "3600",
        }

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """The name of the PostgreSQL database; empty on SQLite."""
        url = urlsplit(self.environment["DATABASE_URL"])
        return url.path.lstrip("/") if url.scheme.startswith("postgres") else ""

    def pid(self, name: str) -> int:
        """The id of a running process."""
        return self._running[name].pid

    @property
    def pids(self) -> dict[str, int]:
        """The ids of the portal's running processes, by name."""
        return {name: process.pid for name, process in self._running.items() if name not in _OTHERS}

    def start_sandbox(self) -> None:
        """Start the sandbox. The environment of the other processes needs its URL, so it comes first."""
        process = subprocess.Popen(  # nosec B603 # our own command, no shell
            [sys.executable, "-m", "integrations.sandbox", "--port", "0"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self._running["sandbox"] = process
        line = cast(IO[bytes], process.stdout).readline().decode()
        if not line.strip():
            raise SystemExit("The sandbox did not start.")
        self.sandbox_url = line.split()[-1]
        self.environment |= {
            "ASHBY_API_BASE_URL": f"{self.sandbox_url}/ashby-api",
            "JUSTIFACTS_BASE_URL": f"{self.sandbox_url}/jfacts/servlet/application_ashby/",
            "OUTBOUND_ALLOWED_HOSTS": self.sandbox_url.partition("://")[2],
        }
        self.control(
            "orgs",
            slug="bench",
            name="Bench",
            verification_key=VERIFICATION_KEY,
            portal_url=f"{self.portal_url}/ashby/",
            ashby_keys=[{"key": ASHBY_KEY, "title": "Justifacts", "scopes": _SCOPES}],
        )
        self.control(
            "orgs",
            slug="bare",
            name="Bare",
            verification_key=BARE_VERIFICATION_KEY,
            portal_url=f"http://127.0.0.1:{self.reference_port}/ashby/",
            ashby_keys=[{"key": BARE_ASHBY_KEY, "title": "Justifacts", "scopes": _SCOPES}],
            packages=[{"id": BARE_PACKAGE, "name": "Bare", "description": "Of the bare chain."}],
        )

    def start(self, *names: str) -> None:
        for name in names:
            self._running[name] = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                ["/bin/sh", "-c", f"exec {self._commands[name]}"],
                cwd=ROOT,
                env=self.environment,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )

    def start_together(self, *names: str) -> None:
        """Start worker and scheduler, or the bare chain's loop, and return once they are ready."""
        self.start(*names)
        if "worker" in names:
            self.wait("worker and scheduler", lambda: self.answers("/health/status"))

    @contextlib.contextmanager
    def changed(self, **variables: str) -> Iterator[None]:
        """Change the environment of the processes that are started in the block."""
        before = self.environment
        self.environment = before | variables
        try:
            yield
        finally:
            self.environment = before

    def stop(self, *names: str) -> None:
        """Stop the processes together; those that do not exit within 20 s are killed."""
        stopping = {name: self._running.pop(name) for name in names if name in self._running}
        for process in stopping.values():
            process.terminate()
        for process in stopping.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            # With the remaining children of the process.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        self.stop(*reversed(self._running))
        self._log.close()

    def run(self, *arguments: str, settings: str = "config.settings", given: str = "") -> str:
        """Run a Python command with ``given`` on its standard input, and return its standard output. Exits if
        the command fails."""
        done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment | {"DJANGO_SETTINGS_MODULE": settings},
            input=given,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            command = shlex.join(arguments)
            raise SystemExit(f"{command} exited with {done.returncode}; see the messages above.")
        return done.stdout

    def control(self, path: str, **body: Any) -> Any:
        """Call the sandbox's control API: POST with a body, GET without. Returns the JSON of the answer."""
        url = f"{self.sandbox_url}/control/{path}"
        answer = requests.post(url, json=body, timeout=20) if body else requests.get(url, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Return once the condition is true; exit with the end of the log if it is not within a minute."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except requests.RequestException:
                pass  # not up yet
            time.sleep(0.2)
        self.fail(f"{what}: not within 60 s.")

    def fail(self, what: str) -> NoReturn:
        """Exit with the end of the processes' log."""
        log = self._log_path.read_text(errors="replace")[-3000:]
        raise SystemExit(f"{what} The end of the processes' log:\n{log}")

    def answers(self, path: str) -> bool:
        """Whether the portal answers 200."""
        return requests.get(f"{self.portal_url}{path}", timeout=3).status_code == 200

    def reference_answers(self) -> bool:
        """Whether the reference's process answers at all."""
        return requests.get(f"http://127.0.0.1:{self.reference_port}/", timeout=3).status_code == 404


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(number)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
