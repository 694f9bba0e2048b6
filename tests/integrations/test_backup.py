"""``backup FILE`` and ``after_restore``, on the real databases."""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.portal.processes import Portal
from tests.fixtures.servers.migrated import copy_sqlite, empty_postgresql_database, postgresql_database


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"VAR_DIR": str(tmp_path / "var"), "CELERY_BROKER_URL": "memory://", "LOG_LEVEL": "ERROR"}


@pytest.fixture
def portal(environment: dict[str, str], tmp_path: Path) -> Iterator[Portal]:
    """Only its commands run."""
    portal = Portal(tmp_path, **environment)
    yield portal
    portal.end_all()


def _lives_through_a_restore(portal: Portal, backup: Any, restore: Any) -> None:
    """Before the backup, five minutes more, the restore, and what follows it in new processes."""
    _live(portal, "before")
    backup()
    _live(portal, "lost-minutes")
    portal.end_all()
    restore()
    found = json.loads(portal.manage("after_restore", "--json"))
    assert found["made_again"] == 2
    assert found["looked_up"] == 1
    _live(portal, "afterwards")


def _live(portal: Portal, stage: str) -> None:
    file = str(portal.folder / "partners.json")
    code = f"from tests.assessments import restore_scenario; restore_scenario.run({stage!r}, {file!r})"
    portal.manage("shell", "--verbosity", "0", "-c", code)


def test_a_restore_of_sqlite_loses_and_doubles_nothing(portal: Portal, tmp_path: Path) -> None:
    database, copy = tmp_path / "var" / "portal.sqlite3", tmp_path / "copy.sqlite3"
    copy_sqlite(database.parent)

    def backup() -> None:
        found = json.loads(portal.manage("backup", str(copy), "--json"))
        assert found["bytes"] == copy.stat().st_size
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("SELECT count(*) FROM assessments_order").fetchone() == (2,)

    def restore() -> None:
        for suffix in ("", "-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        database.write_bytes(copy.read_bytes())

    _lives_through_a_restore(portal, backup, restore)


@pytest.mark.services
@pytest.mark.xdist_group("services")
def test_a_restore_of_postgresql_loses_and_doubles_nothing(portal: Portal, tmp_path: Path) -> None:
    """With the commands of docs/backup.md."""
    dump = str(tmp_path / "portal.dump")
    with postgresql_database("portal_restore") as url, empty_postgresql_database("portal_restored") as other:
        portal.environment["DATABASE_URL"] = url

        def backup() -> None:
            dumped = ["pg_dump", "--format=custom", f"--file={dump}", url]
            subprocess.run(dumped, check=True)  # nosec B603 # noqa: S603 - our own command, no shell

        def restore() -> None:
            restore = [str(shutil.which("pg_restore")), "--no-owner", f"--dbname={other}", dump]
            subprocess.run(restore, check=True)  # nosec B603 # noqa: S603 - our own command, no shell
            portal.environment["DATABASE_URL"] = other

        _lives_through_a_restore(portal, backup, restore)


def test_a_backup_never_writes_over_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    copy_sqlite(Path(environment["VAR_DIR"]))
    (tmp_path / "there").touch()
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "manage.py", "backup", str(tmp_path / "there")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "already exists" in done.stderr
