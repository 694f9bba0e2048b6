"""Django's ``migrate``, one at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import connections

#: Any number that nobody else uses for an advisory lock in this database.
_LOCK = 5_081_516_420


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
            cursor.execute("SET LOCAL lock_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield
    finally:
        connection.close()
