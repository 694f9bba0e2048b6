"""The second PostgreSQL as a store: a server that hangs."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
import pytest

from assessments.recovery_log import log
from tests.fixtures.world import World

pytestmark = pytest.mark.services


@pytest.fixture(autouse=True)
def store() -> None:
    """Only the database."""


class Proxy:
    """Passes bytes to PostgreSQL; ``hangs`` stops it, as a server whose disk or machine hangs."""

    def __init__(self, host: str, port: int) -> None:
        self.target, self.hangs = (host, port), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(self.target)
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with source, sink, suppress(OSError):
            while received := source.recv(65536):
                if not self.hangs:
                    sink.sendall(received)


@pytest.fixture
def proxy(settings, log_database: str) -> Iterator[Proxy]:
    url = urlsplit(log_database)
    proxy = Proxy(url.hostname or "127.0.0.1", url.port or 5432)
    where = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{proxy.port}")
    settings.RECOVERY_LOG_DATABASE_URL = where.geturl()
    yield proxy
    proxy.listener.close()
    with psycopg.connect(log_database, autocommit=True) as connection:
        connection.execute("DELETE FROM portal_recovery_log")


def test_a_start_goes_ahead_if_the_server_hangs_and_is_logged_when_it_is_back(
    world: World, proxy: Proxy, client
) -> None:
    assert log.log_start(world.start())
    proxy.hangs = True
    began = time.perf_counter_ns()
    order = world.start()
    assert time.perf_counter_ns() - began < 5e9, "Ashby waits no longer"
    assert client.get("/health/status").json()["parts"]["recovery_log"]["ok"] is False
    proxy.hangs = False
    attempts = (log.log_start(order) for _ in range(15))
    assert any(attempts), "within seconds"
