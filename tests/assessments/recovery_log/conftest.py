"""Both stores of the recovery log, each of which every test of this folder uses."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import time_machine

from tests.fixtures.servers.migrated import empty_postgresql_database


@pytest.fixture(scope="session")
def log_database() -> Iterator[str]:
    with empty_postgresql_database("portal_recovery_log") as url:
        yield url


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True, params=["folder", pytest.param("database", marks=pytest.mark.services)])
def store(request, settings) -> Iterator[str]:
    """The name of the store that the test uses; the log is empty."""
    if request.param == "database":
        url = request.getfixturevalue("log_database")
        settings.RECOVERY_LOG_DATABASE_URL = url
        yield "database"
        with psycopg.connect(url, autocommit=True) as connection:
            # A test whose database is unavailable may be the first one.
            if connection.execute("SELECT to_regclass('portal_recovery_log')").fetchone() != (None,):
                connection.execute("DELETE FROM portal_recovery_log")
    else:
        yield "folder"
