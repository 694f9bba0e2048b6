"""``make run`` and ``make demo``: everything runs in the foreground, and nothing is left behind."""

import contextlib
import os
import re
import signal
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest
import requests

from tests.e2e.processes import ROOT, eventually, free_port

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("foreground")]


def test_the_demo_prints_its_addresses_and_leaves_no_process(tmp_path: Path) -> None:
    """The command of the README, ended with Ctrl-C."""
    port, sandbox_port = free_port(), free_port()
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            [
                *(sys.executable, "-m", "config.run", "demo"),
                *("--port", str(port), "--sandbox-port", str(sandbox_port)),
            ],
            env={**os.environ, "VAR_DIR": str(tmp_path / "var")},
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
        eventually(lambda: b"Click first" in output.read_bytes() or demo.poll() is not None, "the banner", 90)
        assert b"Click first" in output.read_bytes(), output.read_text()
        answer = requests.post(
            f"http://127.0.0.1:{sandbox_port}/control/ashby/list", json={"org": "acme"}, timeout=20
        ).json()
        assert answer["body"]["success"] is True
        assert answer["body"]["results"]
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=30)
    eventually(lambda: not _processes_of(tmp_path), "no process is left", 10)


def test_a_process_that_dies_is_restarted(tmp_path: Path) -> None:
    """The worker, and the web server, whose own workers would continue without it."""
    port = free_port()
    output = tmp_path / "output"
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "LOG_LEVEL": "WARNING"}
    with output.open("wb") as file:
        command = [sys.executable, "-m", "config.run", "run", "--port", str(port)]
        portal = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)  # nosec B603 # noqa: S603 - our own command, no shell
        try:
            eventually(lambda: b"The portal is ready" in output.read_bytes(), "it answers", 150)
            for name in (b"worker", b"web"):
                (pid,) = re.findall(name + rb" started \(pid=(\d+)\)", output.read_bytes())
                os.kill(int(pid), signal.SIGKILL)
            for name in (b"worker", b"web"):
                again = name + b" exited and is restarted"
                eventually(lambda again=again: again in output.read_bytes(), f"{name!r} comes again")
            ready = f"http://127.0.0.1:{port}/health/status"
            eventually(lambda: _answers(ready), "all is well again", 60)
        finally:
            portal.send_signal(signal.SIGTERM)
            portal.wait(timeout=30)
    eventually(lambda: not _processes_of(tmp_path), "no process is left", 10)


def test_the_portal_waits_for_its_database_and_says_so(tmp_path: Path) -> None:
    """The message does not contain the credentials."""
    output = tmp_path / "output"
    url = f"postgres://portal:very-secret@127.0.0.1:{free_port()}/books"
    environment = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "DATABASE_URL": url}
    with output.open("wb") as file:
        command = [sys.executable, "-m", "config.run", "run", "--port", str(free_port())]
        portal = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)  # nosec B603 # noqa: S603 - our own command, no shell
        try:
            eventually(lambda: b"does not answer; waiting for it" in output.read_bytes(), "it says so", 30)
            assert portal.poll() is None
        finally:
            portal.send_signal(signal.SIGTERM)
            portal.wait(timeout=30)
    assert b"books" in output.read_bytes()
    assert b"very-secret" not in output.read_bytes()


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=3).status_code == 200
    return False


def _processes_of(folder: Path) -> list[str]:
    """Processes whose command line names this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"VAR_DIR={folder}".encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except (PermissionError, ProcessLookupError, FileNotFoundError):
            continue
    return found
