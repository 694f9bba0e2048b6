"""Django's ``migrate``, one at a time."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import connections

#: Any number that nobody else uses for an advisory lock in this database.
_LOCK = 5_081_516_420
_PAUSE_SECONDS = 0.5


class Command(migrate.Command):
    """Hosts that start together all migrate: the second one waits for the first and finds nothing to do."""

    def handle(self, *arguments: Any, **options: Any) -> None:
        with _alone(options["database"]):
            super().handle(*arguments, **options)


@contextmanager
def _alone(alias: str) -> Iterator[None]:
    if connections[alias].vendor == "sqlite":
        # The lock ends with the process, however that ends.
        with (settings.VAR_DIR / "migrate.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    # In a connection of its own, since each migration commits. PgBouncer keeps a lock of a transaction.
    connection = connections[alias].copy(alias)
    connection.set_autocommit(False)
    try:
        with connection.cursor() as cursor:
            while not _takes_lock(cursor):
                connection.rollback()
                time.sleep(_PAUSE_SECONDS)
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield
    finally:
        connection.close()


def _takes_lock(cursor: Any) -> bool:
    """Whether this process got the lock. A statement that waits for it would hold a snapshot, and the process
    that has the lock would wait for that with ``CREATE INDEX CONCURRENTLY``."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
    return bool(cursor.fetchone()[0])
