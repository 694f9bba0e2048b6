"""The pool of connections of web and worker, on a PostgreSQL server of the test's own."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.db.utils import ConnectionHandler

from config.postgresql.pool import use_pool
from config.wsgi import THREADS
from tests.e2e.portal.processes import ROOT, eventually
from tests.fixtures.environment import settings_in
from tests.fixtures.servers.postgresql_servers import Server, own_folder

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("services")]


class Process:
    """A process with four threads that each run a query, all at the same time."""

    def __init__(self, settings: dict) -> None:
        self.connections = ConnectionHandler({DEFAULT_DB_ALIAS: settings})
        use_pool(self.connections, 4)

    def connection_ids(self) -> set[int]:
        """Of the server's processes that answer."""
        together = Barrier(4)

        def ask(_: int) -> int:
            connection = self.connections[DEFAULT_DB_ALIAS]
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    together.wait(20)
                    return int(cursor.fetchone()[0])
            except OperationalError:
                # The others would wait for this thread.
                together.abort()
                raise
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            return set(threads.map(ask, range(4)))

    def answers(self) -> bool:
        try:
            return len(self.connection_ids()) == 4
        except (OperationalError, BrokenBarrierError):
            return False


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with own_folder() as folder:
        server = Server(folder / "own")
        yield server
        server.stop()


@pytest.fixture
def process(server: Server, tmp_path: Path, django_db_blocker) -> Iterator[Process]:
    url = f"postgres://postgres@127.0.0.1:{server.port}/postgres"
    (found,) = settings_in(tmp_path, ["DATABASES"], {"DATABASE_URL": url})
    process = Process(found["DATABASES"][DEFAULT_DB_ALIAS])
    with django_db_blocker.unblock():
        yield process
        process.connections[DEFAULT_DB_ALIAS].close_pool()


def test_threads_share_connections_and_replace_dead_ones_at_once(process: Process, server: Server) -> None:
    """Without a failed query and without a pause for each dead connection."""
    first = process.connection_ids()
    assert process.connection_ids() & first
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    began = time.monotonic()
    assert not process.connection_ids() & first
    assert time.monotonic() - began < 3


def test_connections_to_an_old_primary_are_replaced(process: Process, server: Server) -> None:
    first = process.connection_ids()
    server.becomes_read_only()
    try:
        eventually(lambda: not process.answers(), "the old primary is refused", 10)
    finally:
        server.sql("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
    eventually(process.answers, "the server accepts writes again", 10)
    assert not process.connection_ids() & first


def test_a_server_that_is_down_is_reported_at_once_and_used_when_it_is_back(
    process: Process, server: Server
) -> None:
    process.connection_ids()
    server.stop()
    began = time.monotonic()
    assert not process.answers()
    assert time.monotonic() - began < 4, "no caller waits as long as for a server that hangs"
    server.start()
    assert len(process.connection_ids()) == 4


def test_the_web_process_has_as_many_connections_as_threads() -> None:
    (threads,) = re.findall(r"--blocking-threads (\d+)", (ROOT / "Procfile").read_text())
    assert int(threads) == THREADS
