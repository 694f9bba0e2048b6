"""Django's PostgreSQL backend, which also reconnects if the server has become read-only.

After a switchover, connections to the old primary still answer reads. Django's own health check accepts them,
and every write would fail until the process is restarted.
"""

import threading
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

from . import TIME_LIMITS
from .pool import accepts_writes, open_pool

_SET_LOCAL = "; ".join(f"SET LOCAL {name} = {milliseconds}" for name, milliseconds in TIME_LIMITS.items())
_opening = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    @property
    def pool(self) -> "ConnectionPool[Any] | None":
        """The pool that the threads of this process share, if it has one. Django's would accept a connection
        to a server that has become read-only."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if not options or self.alias == NO_DB_ALIAS:
            return None
        with _opening:
            pools: dict[str, ConnectionPool[Any]] = self._connection_pools  # type: ignore[attr-defined]
            if self.alias not in pools or pools[self.alias].closed:
                pools[self.alias] = open_pool(
                    kwargs=self.get_connection_params() | {"autocommit": True},
                    configure=self._configure_connection,  # type: ignore[attr-defined]
                    **options,
                )
            return pools[self.alias]

    def prepared_cursor(self) -> Any:
        """A cursor for statements that are the same each time (``integrations/compiled.py``): the server
        prepares them at first use, except behind PgBouncer. Django's cursors send a statement as one text."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(base.ServerBindingCursor(self.connection))  # type: ignore[attr-defined,call-arg]

    def is_usable(self) -> bool:
        """Whether the server answers and accepts writes. Called before the first query of each request and
        task (``CONN_HEALTH_CHECKS``); if it returns False, Django reconnects."""
        if self.connection is None:
            return False
        try:
            return accepts_writes(self.connection)
        except self.Database.Error:
            return False

    def _set_autocommit(self, autocommit: bool) -> None:
        """Set the time limits in each transaction where connections go through PgBouncer (``IS_POOLED``),
        since they cannot be set for the session."""
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.settings_dict.get("IS_POOLED"):
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute(_SET_LOCAL)
