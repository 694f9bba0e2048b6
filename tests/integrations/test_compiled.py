"""Statements that are compiled once (``integrations/compiled.py``). What they read and write is tested with
the calls that use them."""

from contextlib import closing

import pytest
from django.db import connection

from tests.fixtures.servers.services import on_postgresql
from tests.fixtures.world import World

LIST = "/ashby/assessment.list"


def _widen(characters: int) -> None:
    """As another process: psycopg prepares again by itself after an ALTER of its own connection."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE integrations_package ALTER COLUMN justifacts_id TYPE varchar({characters})"
        )


@pytest.mark.anywhere
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_call_is_answered_after_a_migration_has_changed_a_column(world: World) -> None:
    """A rolling upgrade migrates while processes of the older version answer. They have prepared their
    statements for the columns as they were."""
    before = world.call(LIST, {}).json()
    _widen(300)
    try:
        answer = world.call(LIST, {})
    finally:
        _widen(200)
    assert (answer.status_code, answer.json()) == (200, before)
