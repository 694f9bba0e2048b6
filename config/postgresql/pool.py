"""psycopg's pool for the processes with threads, web and worker: their threads share PostgreSQL connections.

Celery closes the connection of a thread before and after each task, which only returns it to the pool.
"""

import threading
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.utils import ConnectionHandler
from psycopg import Connection, Error, OperationalError
from psycopg_pool import ConnectionPool

#: For threads beside those that serve requests or run tasks, such as the worker's heartbeat.
_SPARE = 2
#: Connections that stay open. The pool opens these together, and further ones one after the other.
_KEPT = 4
_OPTIONS: dict[str, Any] = {
    # In seconds. A little longer than ``connect_timeout``.
    "timeout": 6.0,
    # Of the further connections, one that was not needed for so long is closed each time.
    "max_idle": 60.0,
    # Two attempts at once. The pool's waits between attempts would grow, and starts would fail meanwhile.
    "reconnect_timeout": 0.0,
}


def use_pool(connections: ConnectionHandler, threads: int) -> None:
    """Give the database a pool for so many threads of this process. Does nothing on SQLite."""
    settings = connections.settings[DEFAULT_DB_ALIAS]
    if settings["ENGINE"] == "config.postgresql":
        connections[DEFAULT_DB_ALIAS].close()
        settings["OPTIONS"]["pool"] = {
            **_OPTIONS,
            "min_size": min(_KEPT, threads),
            "max_size": threads + _SPARE,
        }
        settings["CONN_MAX_AGE"] = 0


def open_pool(**options: Any) -> "ConnectionPool[Any]":
    """A pool whose connections work and accept writes. Who waits is refused at once if there is no connection
    and none can be made, as without a pool."""
    return ConnectionPool(check=_check, reconnect_failed=_give_up, open=True, **options)


def accepts_writes(connection: "Connection[Any]") -> bool:
    """Whether the server answers, and is not an old primary after a switchover."""
    return connection.execute("SHOW transaction_read_only").fetchone() == ("off",)


def _check(connection: "Connection[Any]") -> None:
    connection.autocommit = True
    try:
        if accepts_writes(connection):
            return
        raise OperationalError("the server has become read-only")
    except Error:
        # The server was restarted or switched over: the others are useless too. Checked one by one, with the
        # pool's growing pauses, they would delay requests for seconds.
        if isinstance(connection._pool, ConnectionPool):
            connection._pool.drain()
        connection.close()
        raise


def _give_up(pool: "ConnectionPool[Any]") -> None:
    """Close the pool if no connection is left that could be returned to it; the next query opens another."""
    if pool.get_stats()["pool_size"] == 0:
        # Called in a thread of the pool, for which ``close`` waits.
        threading.Thread(target=pool.close, args=(1.0,), daemon=True).start()
