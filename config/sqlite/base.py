"""Django's SQLite, with a fair wait for the write lock.

SQLite's own wait sleeps longer each time (up to 100 ms), so that who waits longest is overtaken by
whoever has just come: with eight processes the slowest of a hundred starts took seconds. Here each
waiter tries again every millisecond or two.
"""

import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base

#: As long as the ``timeout`` of the settings would wait.
PATIENCE_SECONDS = 20


class _PatientCursor(base.SQLiteCursorWrapper):
    def execute(self, query: str, params: Any = None) -> Any:
        until = 0.0
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                # Inside a transaction the lock is ours, or the read snapshot is: trying again is no help.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or self.connection.in_transaction:
                    raise
                until = until or time.monotonic() + PATIENCE_SECONDS
                if time.monotonic() > until:
                    raise


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_PatientCursor)
