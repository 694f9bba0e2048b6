"""Runs each test marked ``anywhere`` again on PostgreSQL. Mark one or two tests of each rule that depends on
locks, constraints, triggers, isolation, JSON, collation, special characters, times or hand-written SQL."""

import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.servers.services import POSTGRESQL, missing

_TESTS = Path(__file__).parent


@pytest.mark.services
@pytest.mark.xdist_group("long")
def test_marked_tests_pass_on_postgresql() -> None:
    try:
        psycopg.connect(f"{POSTGRESQL}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        missing("PostgreSQL does not answer at TEST_DATABASE_URL")
    # The settings of this worker's controller are not for the workers of the other run.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    # Only these: to collect all tests takes a third of a minute.
    marked = sorted(path for path in _TESTS.rglob("test_*.py") if "pytest.mark.anywhere" in path.read_text())
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "-m", "pytest", "-m", "anywhere", "-q", "-p", "no:cacheprovider", *marked],
        env={**inherited, "DATABASE_URL": f"{POSTGRESQL}/portal_stories_{os.getpid()}"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
