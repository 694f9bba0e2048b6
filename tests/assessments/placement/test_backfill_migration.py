"""The migration that fills ``may_have_been_sent`` and ``cleared_for_placement`` from older histories."""

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from assessments.models import CallAttempt, Order, OrderEvent, PendingCall
from tests.fixtures.world import World

pytestmark = pytest.mark.anywhere

CASES = {
    # name: (events, calls, Justifacts' last status, may have been sent, cleared for placement)
    "new": ([], [], "", False, False),
    "delivered to Ashby only": ([], ["deliver"], "", False, False),
    "could not be sent": ([], ["place"], "", False, True),
    "late": (["waited_long"], ["look_up"], "", False, True),
    "no certain outcome": (["placing_unknown"], ["place"], "", True, True),
    "interrupted": (["placing_interrupted"], [], "", True, True),
    "made again": (["made_again"], [], "", True, True),
    "restored": (["looked_up_first"], [], "", True, True),
    "placed again by a person": (["placing_unknown", "placed_again"], ["place"], "", True, True),
    "mentioned": ([], [], "Initiated", True, False),
    "mentioned and looked up": (["looked_up_first"], [], "Initiated", True, True),
    "mentioned after a call": (["placing_unknown"], ["place"], "Initiated", True, False),
}


class HistoricalApps:
    """Returns the models by the names that they had when the migration was written."""

    @staticmethod
    def get_model(app: str, name: str) -> Any:
        return apps.get_model(app, {"Event": "OrderEvent", "Attempt": "CallAttempt"}.get(name, name))


def test_the_migration_fills_the_columns_of_unplaced_orders_from_history(world: World) -> None:
    orders = {}
    for name, (kinds, calls, status, *_) in CASES.items():
        order = orders[name] = world.start()
        OrderEvent.objects.bulk_create(
            OrderEvent(order=order, source="portal", kind=kind, summary=kind) for kind in kinds
        )
        for call in calls:
            update = order.updates.create(sequence=1, timestamp=1, payload={}, summary="Received")
            CallAttempt.objects.create(order=order, call=call, outcome="unknown", update=update)
        order.justifacts_status = status
        order.may_have_been_sent, order.cleared_for_placement = True, False
        order.save()
    placed = world.placed()
    migration = importlib.import_module("assessments.migrations.0024_fill_may_have_been_sent")
    for _ in range(2):
        migration.fill(HistoricalApps, connection.schema_editor())
    for name, order in orders.items():
        order.refresh_from_db()
        assert (order.may_have_been_sent, order.cleared_for_placement) == CASES[name][3:], name
    placed.refresh_from_db()
    assert placed.may_have_been_sent


def test_the_database_refuses_a_number_without_may_have_been_sent(world: World) -> None:
    order = world.start()
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(justifacts_order_id="JF-1")


def test_the_database_refuses_an_event_of_an_unknown_kind(world: World) -> None:
    order = world.start()
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderEvent.objects.create(order=order, source="portal", kind="mistyped", summary="")


def test_a_new_row_counts_as_possibly_sent_by_default(world: World) -> None:
    order = world.start()
    columns = ", ".join(
        connection.ops.quote_name(field.column)
        for field in Order._meta.concrete_fields
        if field.name not in ("assessment_id", "application_id", "may_have_been_sent")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO assessments_order (assessment_id, application_id, {columns}) "  # nosec B608 # noqa: S608 - names of columns
            f"SELECT '00000000-0000-0000-0000-000000000001', 'another', {columns} FROM assessments_order "
            "WHERE assessment_id = %s",
            [order.pk.hex if connection.vendor == "sqlite" else order.pk],
        )
    assert Order.objects.get(application_id="another", next_call=PendingCall.PLACE).may_have_been_sent
