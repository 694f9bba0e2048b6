"""Django's SQLite backend, with a fairer wait for the write lock.

SQLite's busy handler sleeps longer at each attempt (up to 100 ms), so a new waiter overtakes those that have
waited longest: with eight processes, the slowest of a hundred starts took seconds. Here, each waiter retries
every millisecond or two, and only one thread of a process waits at a time, so that a worker with twenty
threads counts as one waiter.
"""

import sqlite3
import threading
import time
from typing import Any

from django.db.backends.sqlite3 import base

#: As long as the ``timeout`` in the settings.
LOCK_TIMEOUT_SECONDS = 20

#: Held by the thread of this process that writes or waits to write.
_write_lock = threading.Lock()


class _WaitingCursor(base.SQLiteCursorWrapper):
    def execute(self, query: str, params: Any = None) -> Any:
        try:
            return super().execute(query, params)
        except sqlite3.OperationalError as error:
            # Inside a transaction a retry cannot succeed: the snapshot of the transaction is outdated.
            if not _is_busy(error) or self.connection.in_transaction:
                raise
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        # At BEGIN, this thread holds the lock already.
        must_release = not query.startswith("BEGIN") and _write_lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
        try:
            return self._retry(query, params, deadline)
        finally:
            if must_release:
                _write_lock.release()

    def _retry(self, query: str, params: Any, deadline: float) -> Any:
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


class DatabaseWrapper(base.DatabaseWrapper):
    _holds_write_lock = False

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=_WaitingCursor)

    def _start_transaction_under_autocommit(self) -> None:
        self._holds_write_lock = _write_lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._release_write_lock()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._release_write_lock()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._release_write_lock()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._release_write_lock()

    def _release_write_lock(self) -> None:
        if self._holds_write_lock:
            self._holds_write_lock = False
            _write_lock.release()
