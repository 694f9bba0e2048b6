"""The recovery log in a PostgreSQL database of its own, apart from the portal's.

It is not one of Django's databases, because a restore or a migration of the portal's database must not touch
it. Its one table is created when a process first connects.
"""

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from threading import Timer
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from assessments.recovery_log.store import Entry, Kind, Unavailable

#: How long a start waits for a connection, in seconds. It goes ahead without the log after that.
_WAIT_SECONDS = 1.0
#: How long the pool tries again by itself. After that the next call tries.
_RECONNECT_SECONDS = 2.0
#: A server that has not answered for so long is cut off. PostgreSQL's own limits do not help if it hangs.
_ANSWER_SECONDS = 2.0
#: The same for statements that may take longer, after ``statement_timeout``.
_LONG_ANSWER_SECONDS = 8.0

_TABLE = """
SELECT pg_advisory_xact_lock(hashtext('portal_recovery_log'));
CREATE TABLE IF NOT EXISTS portal_recovery_log (
    kind text NOT NULL, key uuid NOT NULL, day date NOT NULL, content text NOT NULL,
    PRIMARY KEY (kind, key, day)
);
"""


class DatabaseStore:
    """Raises ``Unavailable`` if ``url`` cannot be read."""

    def __init__(self, url: str) -> None:
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # The pool would log the error, whose text quotes the URL with its password.
            raise Unavailable("RECOVERY_LOG_DATABASE_URL is not the URL of a PostgreSQL database") from None
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=4,
            timeout=_WAIT_SECONDS,
            # Otherwise the waits between attempts grow to minutes, and starts go unlogged after an outage.
            reconnect_timeout=_RECONNECT_SECONDS,
            open=True,
            kwargs={
                "connect_timeout": 2,
                "tcp_user_timeout": 5_000,
                "options": "-c statement_timeout=5000 -c lock_timeout=2000",
            },
            configure=_create_table,
            check=_check,
        )

    def write(self, entry: Entry) -> None:
        self._execute(
            "INSERT INTO portal_recovery_log (kind, key, day, content) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (entry.kind, entry.key, entry.day, entry.content),
            _ANSWER_SECONDS,
        )

    def read(self, kind: Kind, since: date) -> Iterator[Entry]:
        with self._connection() as connection, connection.cursor("entries") as cursor:
            cursor.execute(
                "SELECT key::text, day, content FROM portal_recovery_log WHERE kind = %s AND day >= %s "
                "ORDER BY day, key",
                (kind, since),
            )
            for key, day, content in cursor:
                yield Entry(kind, key, day, content)

    def replace(self, entry: Entry, content: str) -> None:
        self._execute(
            "UPDATE portal_recovery_log SET content = %s WHERE kind = %s AND key = %s AND day = %s",
            (content, entry.kind, entry.key, entry.day),
        )

    def delete(self, kinds: Collection[Kind], keys: Collection[str]) -> int:
        return self._execute(
            "DELETE FROM portal_recovery_log WHERE kind = ANY(%s) AND key = ANY(%s::uuid[])",
            (list(kinds), list(keys)),
        )

    def delete_before(self, kinds: Collection[Kind], day: date) -> None:
        self._execute("DELETE FROM portal_recovery_log WHERE kind = ANY(%s) AND day < %s", (list(kinds), day))

    def check(self) -> None:
        self._execute("SELECT 1 FROM portal_recovery_log LIMIT 1", (), _ANSWER_SECONDS)

    def _execute(
        self, statement: Any, values: tuple[object, ...], seconds: float = _LONG_ANSWER_SECONDS
    ) -> int:
        with self._connection() as connection, _cut_off_after(seconds, connection):
            count = connection.execute(statement, values).rowcount
            connection.commit()
            return count

    @contextmanager
    def _connection(self) -> Iterator["psycopg.Connection[Any]"]:
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.Error as error:
            # The text of an error may hold the entry or the address with its password.
            raise Unavailable(f"the database of the recovery log: {type(error).__name__}") from None


def _check(connection: "psycopg.Connection[Any]") -> None:
    with _cut_off_after(_ANSWER_SECONDS, connection):
        ConnectionPool.check_connection(connection)


@contextmanager
def _cut_off_after(seconds: float, connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """End the connection if the block takes longer; what waits for the server then fails."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        timer = Timer(seconds, _cut_off, [line])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _cut_off(line: socket.socket) -> None:
    with suppress(OSError):  # It is closed already.
        line.shutdown(socket.SHUT_RDWR)


def _create_table(connection: "psycopg.Connection[Any]") -> None:
    with _cut_off_after(_LONG_ANSWER_SECONDS, connection):
        with connection.transaction():
            connection.execute(_TABLE)
        connection.commit()
