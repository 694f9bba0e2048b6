"""Django's PostgreSQL, which leaves a server that has become read-only.

After a switchover a connection to the old primary goes on answering reads. Django's own health check is
satisfied with that, and every write would fail until somebody restarts the process.
"""

from django.db.backends.postgresql import base

from . import TIME_LIMITS

_SET_LOCAL = "; ".join(f"SET LOCAL {name} = {milliseconds}" for name, milliseconds in TIME_LIMITS.items())


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the server answers and takes writes. Asked before the first query of each request and task
        (``CONN_HEALTH_CHECKS``); where it is False, Django connects again."""
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                cursor.execute("SHOW transaction_read_only")
                return bool(cursor.fetchone() == ("off",))
        except self.Database.Error:
            return False

    @property
    def is_pooled(self) -> bool:
        """PgBouncer is in between, in transaction mode."""
        return bool(self.settings_dict.get("IS_POOLED"))

    def _set_autocommit(self, autocommit: bool) -> None:
        """Behind PgBouncer a transaction begins with the time limits, which a session could not keep."""
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and self.is_pooled:
            with self.wrap_database_errors, self.connection.cursor() as cursor:
                cursor.execute(_SET_LOCAL)
