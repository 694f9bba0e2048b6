"""Django's SQLite, with a fair wait for the write lock.

SQLite's own wait sleeps longer each time (up to 100 ms), so that who waits longest is overtaken by
whoever has just come: with eight processes the slowest of a hundred starts took seconds. Here each
waiter tries again every millisecond or two, and of one process's threads one at a time: a worker with
many threads is one waiter among the web processes, not twenty.
"""

import sqlite3
import threading
import time
from typing import Any

from django.db.backends.sqlite3 import base

#: As long as the ``timeout`` of the settings would wait.
PATIENCE_SECONDS = 20

#: Held by the thread that writes, or is the next of this process to write.
_turn = threading.Lock()


class _PatientCursor(base.SQLiteCursorWrapper):
    def execute(self, query: str, params: Any = None) -> Any:
        try:
            return super().execute(query, params)
        except sqlite3.OperationalError as error:
            # Inside a transaction the lock is ours, or the read snapshot is: trying again is no help.
            if not _is_busy(error) or self.connection.in_transaction:
                raise
        until = time.monotonic() + PATIENCE_SECONDS
        # Who begins a transaction has the turn already.
        is_mine = not query.startswith("BEGIN") and _turn.acquire(timeout=PATIENCE_SECONDS)
        try:
            return self._execute_patiently(query, params, until)
        finally:
            if is_mine:
                _turn.release()

    def _execute_patiently(self, query: str, params: Any, until: float) -> Any:
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > until:
                    raise


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


class DatabaseWrapper(base.DatabaseWrapper):
    _has_turn = False

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_PatientCursor)

    def _start_transaction_under_autocommit(self) -> None:
        self._has_turn = _turn.acquire(timeout=PATIENCE_SECONDS)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turn.release()
