"""``python -m config.run web|worker|scheduler|migrate``: one process, for several hosts."""

import os
import signal
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest

from tests.e2e.portal.processes import ROOT, eventually
from tests.fixtures.servers.hosts import Host


def migrate_back(host: Host) -> None:
    """The database as the version before the newest migration left it."""
    *_, before, _newest = sorted(path.stem for path in (ROOT / "assessments/migrations").glob("0*.py"))
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "assessments", before]
    subprocess.run(command, env=host.environment, cwd=ROOT, check=True)  # nosec B603 # noqa: S603 - our own command, no shell


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_each_role_runs_alone_and_waits_for_the_migrations(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    migrate_back(one)
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


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_a_host_with_secrets_of_its_own_does_not_start(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    assert one.start("worker", FIELD_ENCRYPTION_KEYS="", SECRET_KEY="").wait(timeout=60) == 1  # nosec B106 # generated
    file = one.folder / "var" / "secret_key"
    first, second = one.log("worker").read_text().splitlines()
    assert first == (
        f"Error: SECRET_KEY is not set, so this host has generated its own, in {file}. Set SECRET_KEY to the "
        "content of that file, on every host, and keep a copy elsewhere: it is lost with this host's disk."
    )
    assert second.startswith("Error: FIELD_ENCRYPTION_KEYS is not set")
    assert one.start("migrate").wait(timeout=60) == 0
    assert two.start("worker", MIGRATE="off", FIELD_ENCRYPTION_KEYS="B" * 43 + "=").wait(timeout=60) == 1
    assert (
        two.log("worker")
        .read_text()
        .startswith(
            "FIELD_ENCRYPTION_KEYS of this host (from its environment) lacks a key that the database needs."
        )
    )
