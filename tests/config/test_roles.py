"""``python -m config.run web|worker|scheduler|migrate``: one process, for several hosts."""

import os
import signal
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from tests.e2e.processes import ROOT, eventually, free_port
from tests.fixtures.migrated import postgresql_database
from tests.fixtures.portals import fresh_redis


class Host:
    """Processes with a ``VAR_DIR`` of their own, on shared services."""

    def __init__(self, folder: Path, database: str, redis: str) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        self.running: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": redis,
            "SECRET_KEY": "one for all hosts, of these tests",  # nosec B105 # known to everybody
            "FIELD_ENCRYPTION_KEYS": "A" * 43 + "=",
            "PORT": str(self.port),
            "WEB_WORKERS": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, role: str, **environment: str) -> "subprocess.Popen[bytes]":
        with self.log(role).open("ab") as log:
            process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
                [sys.executable, "-m", "config.run", role],
                env=self.environment | environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def log(self, role: str) -> Path:
        return self.folder / f"{role}.log"

    def status(self, path: str) -> int:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/health/{path}", timeout=5).status_code
        except requests.RequestException:
            return 0

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=30)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    with postgresql_database("portal_roles") as database, fresh_redis(tmp_path) as (redis, _):
        pair = Host(tmp_path / "one", database, redis), Host(tmp_path / "two", database, redis)
        yield pair
        for host in pair:
            host.end()


def migrate_back(database: str) -> None:
    """The database as the version before the newest migration left it. To migrate takes ten times as long."""
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE assessments_processheartbeat")
        connection.execute("DELETE FROM django_migrations WHERE name = '0027_process_heartbeats'")


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_each_role_runs_alone_and_waits_for_the_migrations(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    migrate_back(one.environment["DATABASE_URL"])
    roles = [(one, "web"), (two, "worker"), (one, "scheduler")]
    processes = [host.start(role, MIGRATE="off") for host, role in roles]
    logs = [host.log(role) for host, role in roles]
    eventually(lambda: all(b"waiting until" in log.read_bytes() for log in logs), "all roles wait", 60)
    for log in logs:
        assert log.read_text().strip() == (
            "The database lacks migrations of this version (1); waiting until `python -m config.run migrate` "
            "has applied them."
        )
    assert one.status("live") == 0, "no process of this version works on an older database"
    both = [one.start("migrate"), two.start("migrate")]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    eventually(lambda: one.status("status") == 200, "all roles run", 60)
    for process in processes:
        # The master of the web server too: systemd and Kubernetes send it to the main process alone.
        process.send_signal(signal.SIGTERM)
    assert [process.wait(timeout=40) for process in processes] == [0, 0, 0]


def test_a_role_without_a_broker_says_what_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "config.run", "worker"]
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "CELERY_BROKER_URL": ""}
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        command, env=environment, cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "CELERY_BROKER_URL is not set" in done.stderr
