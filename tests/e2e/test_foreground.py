"""``make demo`` and ``make run``: everything runs in the foreground, and nothing is left behind."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest
import requests

from tests.e2e.portal.processes import ROOT, eventually, free_port
from tests.fixtures.servers.migrated import copy_sqlite

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("embedded")]


def test_the_demo_prints_its_addresses_restarts_what_dies_and_leaves_no_process(tmp_path: Path) -> None:
    """The command of the README, ended with Ctrl-C. What dies: the worker, and the web server, whose own
    worker would continue without it. ``make run`` is started by test_postgresql_switchover.py."""
    port, sandbox_port = free_port(), free_port()
    output = tmp_path / "output"
    database = _almost_migrated(tmp_path / "var")
    environment = {"VAR_DIR": str(tmp_path / "var"), "WEB_WORKERS": "1", "CELERY_SKIP_CHECKS": "1"}
    with output.open("wb") as file:
        demo = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            [
                *(sys.executable, "-m", "config.run", "demo"),
                *("--port", str(port), "--sandbox-port", str(sandbox_port)),
            ],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
        try:
            eventually(
                lambda: b"Click first" in output.read_bytes() or demo.poll() is not None, "the banner", 90
            )
            assert b"Click first" in output.read_bytes(), output.read_text()
            assert _packages(sandbox_port)
            assert _permissions(database) == [(1,)], "the database was migrated"
            for name in (b"worker", b"web"):
                (pid,) = re.findall(name + rb" started \(pid=(\d+)\)", output.read_bytes())
                os.kill(int(pid), signal.SIGKILL)
            for name in (b"worker", b"web"):
                again = name + b" exited and is restarted"
                eventually(lambda again=again: again in output.read_bytes(), f"{name!r} comes again")
            eventually(lambda: _answers(f"http://127.0.0.1:{port}/health/status"), "all is well again", 60)
            assert _packages(sandbox_port)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(timeout=30)
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


def _almost_migrated(var: Path) -> Path:
    """A database that has every table, and lacks one row that each migration adds."""
    copy_sqlite(var)
    database = var / "portal.sqlite3"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM auth_permission WHERE codename = 'add_contenttype'")
    assert _permissions(database) == [(0,)]
    return database


def _permissions(database: Path) -> list[tuple[int]]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT count(*) FROM auth_permission WHERE codename = 'add_contenttype'"
        ).fetchall()


def _packages(sandbox_port: int) -> list[dict]:
    """What Ashby shows a recruiter of Acme."""
    answer = requests.post(
        f"http://127.0.0.1:{sandbox_port}/control/ashby/list", json={"org": "acme"}, timeout=20
    ).json()
    assert answer["body"]["success"] is True
    return list(answer["body"]["results"])


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
