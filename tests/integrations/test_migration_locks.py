"""The statements of a migration wait for locks without having others wait behind them."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connection, connections

from integrations.migrations._operations import execute_together
from tests.fixtures.servers.services import on_postgresql

_WAITS = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'busy'::regclass"

pytestmark = [pytest.mark.anywhere, on_postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def two_tables() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE idle (a int); CREATE TABLE busy (a int)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE idle; DROP TABLE busy")


def _another_client() -> Any:
    return closing(connection.copy())


class Migration(threading.Thread):
    """Renames a column of each table."""

    def run(self) -> None:
        with closing(connections["default"]), connection.schema_editor() as editor:
            execute_together(editor, [f"ALTER TABLE {name} RENAME a TO b" for name in ("idle", "busy")])


def test_others_use_the_tables_until_a_migration_gets_every_lock() -> None:
    migration = Migration()
    with _another_client() as reader, _another_client() as other:
        reader.set_autocommit(False)
        reader.cursor().execute("SELECT a FROM busy")
        migration.start()
        with other.cursor() as cursor:
            waiting = False
            while migration.is_alive() and not waiting:
                cursor.execute(_WAITS)
                (waiting,) = cursor.fetchone()
            cursor.execute("SET lock_timeout = '5s'")
            cursor.execute("SELECT idle.a, busy.a FROM idle, busy")
            assert waiting
            assert migration.is_alive()
        reader.rollback()
    migration.join(30)
    with connection.cursor() as cursor:
        cursor.execute("SELECT idle.b, busy.b FROM idle, busy")
