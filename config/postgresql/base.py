"""Django's PostgreSQL backend, which also reconnects if the server has become read-only.

After a switchover, connections to the old primary still answer reads. Django's own health check accepts them,
and every write would fail until the process is restarted.
"""

from django.db.backends.postgresql import base

from . import TIME_LIMITS

_SET_LOCAL = "; ".join(f"SET LOCAL {name} = {milliseconds}" for name, milliseconds in TIME_LIMITS.items())


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the server answers and accepts writes. Called before the first query of each request and
        task (``CONN_HEALTH_CHECKS``); if it returns False, Django reconnects."""
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("SHOW transaction_read_only")
                return bool(cursor.fetchone() == ("off",))
        except self.Database.Error:
            return False

    def _set_autocommit(self, autocommit: bool) -> None:
        """Set the time limits in each transaction where connections go through PgBouncer (``IS_POOLED``),
        since they cannot be set for the session."""
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.settings_dict.get("IS_POOLED"):
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute(_SET_LOCAL)
