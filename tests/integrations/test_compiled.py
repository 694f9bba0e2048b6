"""Statements that are compiled once (``integrations/compiled.py``). What they read and write is tested with
the calls that use them."""

import json
from contextlib import closing

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from assessments.models import Order
from assessments.orders.transaction import locked_order
from assessments.outbox.deliver import deliver_next
from tests.fixtures.servers.services import on_postgresql
from tests.fixtures.world import World

LIST = "/ashby/assessment.list"


def _widen(characters: int, table: str = "integrations_package", column: str = "justifacts_id") -> None:
    """As another process: psycopg prepares again by itself after an ALTER of its own connection."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({characters})")


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


@pytest.mark.anywhere
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_the_outcome_of_a_call_is_recorded_after_a_migration_has_changed_a_column(world: World) -> None:
    """It is recorded in a transaction, which PostgreSQL would abort because of an outdated statement. The
    call cannot be made again."""
    world.ashby_takes_everything()
    order, column = world.placed(), ("assessments_order", "job_name")
    world.work()
    world.push(order, "In Process: Justifacts")
    width = Order._meta.get_field("job_name").max_length
    assert width is not None

    def answer(request: object) -> tuple[int, dict[str, str], str]:
        _widen(width + 100, *column)
        return 200, {}, json.dumps({"success": True, "results": {}})

    world.wire.reset()
    world.wire.add_callback("POST", "https://ashby.test/assessment.update", callback=answer)
    try:
        deliver_next(order.pk)
    finally:
        _widen(width, *column)
    assert set(order.updates.values_list("state", flat=True)) == {"delivered"}


@pytest.mark.django_db
def test_an_order_whose_encryption_key_is_missing_can_be_locked_and_changed(world: World, settings) -> None:
    """Saving the changes decrypts no column that was not read."""
    order, now = world.start(), timezone.now()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with locked_order(order.pk) as locked:
        locked.last_polled_at = now
    assert Order.objects.filter(pk=order.pk, last_polled_at=now).exists()
