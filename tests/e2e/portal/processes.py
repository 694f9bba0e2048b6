"""The portal's real processes and the sandbox, on free ports, for end-to-end tests."""

import contextlib
import json
import os
import signal
import socket
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import requests
from honcho.environ import parse_procfile

from tests.fixtures.servers.migrated import copy_sqlite

ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    """The first true value of ``condition``; fails with ``what`` after ``seconds``."""
    until, pause = time.monotonic() + seconds, 0.05
    while time.monotonic() < until:
        if answer := condition():
            return answer
        time.sleep(pause)
        pause = min(0.4, pause * 1.2)  # Checking takes time from the work that the test waits for.
    raise AssertionError(f"did not happen within {seconds} s: {what}")


class Portal:
    """The processes of the Procfile, each of which a test may kill and start again, and the sandbox."""

    #: Whether ``DATABASE_URL`` is of a migrated database.
    is_migrated = True

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = f"http://127.0.0.1:{self.sandbox_port}"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VAR_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "PORTAL_BASE_URL": self.url,
            "ASHBY_API_BASE_URL": f"{self.sandbox}/ashby-api",
            "JUSTIFACTS_BASE_URL": f"{self.sandbox}/jfacts/servlet/application_ashby/",
            "OUTBOUND_ALLOWED_HOSTS": f"127.0.0.1:{self.sandbox_port}",
            "POLL_INTERVAL_SECONDS": "2",
            "LEASE_SECONDS": "20",
            "REQUIRE_TWO_FACTOR": "off",
            # Django's system checks would take half a second of each start of a worker.
            "CELERY_SKIP_CHECKS": "1",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.commands = dict(parse_procfile((ROOT / "Procfile").read_text()).processes)
        self.commands["sandbox"] = f"python -m integrations.sandbox --port {self.sandbox_port}"

    def __enter__(self) -> Self:
        self._prepare_database()
        for name in self.commands:
            self.start(name)
        eventually(self.is_ready, "the portal and the sandbox answer", 120)
        return self

    def __exit__(self, *_: object) -> None:
        self.end_all()

    @property
    def _health(self) -> str:
        """Without a worker and a scheduler the portal is never ready."""
        return (
            "status" if self.commands.keys() >= {"worker", "scheduler"} or "run" in self.commands else "live"
        )

    def _prepare_database(self) -> None:
        """SQLite is a copy of a migrated database; so is the database of ``portals.fresh_database``."""
        if "DATABASE_URL" not in self.environment:
            copy_sqlite(self.folder / "var")
        elif not self.is_migrated:
            self.manage("migrate", "--verbosity", "0")

    def end_all(self) -> None:
        for name in list(self.running):
            self.end(name)

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                ["/bin/sh", "-c", f"exec {self.commands[name]}"],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Kills the process with its children, by default with SIGKILL."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        process.wait(timeout=30)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def manage(self, *arguments: str, **environment: str) -> str:
        """Runs one of the portal's commands, successfully; returns its output."""
        console = self._console()
        assert console.stdin
        assert console.stdout
        request = {"arguments": arguments, "environment": environment}
        console.stdin.write(json.dumps(request).encode() + b"\n")
        console.stdin.flush()
        answer = json.loads(console.stdout.readline() or b'{"error": "the console died"}')
        assert "error" not in answer, answer["error"]
        return str(answer["output"])

    def run_inside(self, what: str, argument: str = "") -> bytes:
        """Runs a function of ``console_commands`` in a process of the portal; returns what it wrote."""
        file = self.folder / f"inside-{uuid.uuid4().hex}"
        commands = "tests.e2e.portal.console_commands"
        code = f"import {commands}; {commands}.{what}({str(file)!r}, {argument!r})"
        self.manage("shell", "--verbosity", "0", "-c", code)
        written = file.read_bytes() if file.exists() else b""
        file.unlink(missing_ok=True)
        return written

    def sign_in_operator(self, name: str) -> str:
        """The session key of a new operator."""
        return self.run_inside("sign_in_operator", name).decode()

    def _console(self) -> subprocess.Popen[bytes]:
        if "console" not in self.running:
            self.running["console"] = subprocess.Popen(  # nosec B603 # our own command, no shell
                [sys.executable, "-m", "tests.e2e.portal.console"],
                env=self.environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        return self.running["console"]

    def written(self) -> Iterator[tuple[Path, bytes]]:
        """Every file that the portal has written, with its logs; not the sandbox's files."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "sandbox.log":
                yield path, path.read_bytes()

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return (
                requests.get(f"{self.url}/health/{self._health}", timeout=5).status_code == 200
                and requests.get(f"{self.sandbox}/control/health", timeout=5).status_code == 200
            )
        return False


class ForegroundPortal(Portal):
    """The portal as ``make run`` starts it, and the sandbox."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder, **environment)
        self.commands = {"run": "python -m config.run run", "sandbox": self.commands["sandbox"]}

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        super().end(name, signal.SIGTERM if name == "run" else how)


class Employer:
    """An organization connected to both partners, so that end-to-end tests can share the processes."""

    def __init__(self, portal: Portal, **settings: object) -> None:
        self.portal = portal
        self.slug = f"org-{uuid.uuid4().hex[:8]}"
        self.verification_key = f"verify-{uuid.uuid4().hex}"
        self.ashby_key = f"ashby-{uuid.uuid4().hex}"
        scopes = ["candidates:write", "candidates:read", "jobs:read", "apiKeys:read"]
        self.control(
            "orgs",
            name=self.slug,
            slug=self.slug,
            ashby_keys=[{"key": self.ashby_key, "title": "Justifacts", "scopes": scopes}],
            verification_key=self.verification_key,
            portal_url=f"{portal.url}/ashby/",
        )
        if settings:
            self.control("settings", org=self.slug, **settings)
        portal.manage(
            "connect_org",
            self.slug,
            "--slug",
            self.slug,
            JUSTIFACTS_KEY=self.verification_key,
            ASHBY_KEY=self.ashby_key,
        )
        portal.manage("sync_packages", self.slug)

    def control(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.portal.sandbox}/control/{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def seen(self, path: str, **query: str) -> Any:
        query.setdefault("org", self.slug)
        answer = requests.get(f"{self.portal.sandbox}/control/{path}", params=query, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, **changes: Any) -> str:
        """A recruiter clicks Start Assessment; returns the assessment's id."""
        answer = self.control("ashby/start", org=self.slug, assessment_type="Executive", **changes)
        assert answer["status"] == 200, answer
        return str(answer["assessment_id"])

    def order(self, assessment_id: str) -> dict[str, Any]:
        """The order's JSON, as support sees it."""
        order: dict[str, Any] = json.loads(self.portal.manage("order", assessment_id, "--json"))
        return order

    def justifacts_orders(self, assessment_id: str) -> list[dict[str, Any]]:
        """Justifacts' orders with this reference."""
        orders: list[dict[str, Any]] = self.seen("justifacts/orders", reference_id=assessment_id)["orders"]
        return orders

    def delivered(self, assessment_id: str) -> list[str]:
        """The updates that Ashby has accepted, in order, without the answer to the start."""
        assessment = self.seen(f"ashby/assessments/{assessment_id}")
        return [_summary(update["body"]) for update in assessment["updates"] if update["source"] == "update"]

    def step(self, assessment_id: str, **changes: Any) -> None:
        """Justifacts' staff change the status of the order."""
        self.control(f"justifacts/orders/{assessment_id}/step", **changes)

    def works_again(self, side: str) -> None:
        answer = requests.delete(f"{self.portal.sandbox}/control/failures", params={"side": side}, timeout=20)
        assert answer.status_code == 200, answer.text

    def fails(self, side: str, mode: str, **options: Any) -> None:
        self.control("failures", side=side, mode=mode, org=self.slug, **options)


def _summary(body: dict[str, Any]) -> str:
    return str((body.get("assessment_status") or body.get("cancelled_reason"))["value"])
