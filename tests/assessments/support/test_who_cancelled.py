"""The migration that fills in who had cancelled the orders of an earlier version."""

import importlib

import pytest
from django.apps import apps
from django.db import connection

from assessments.models import Order, OrderEvent
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere


def test_it_is_read_from_the_events_of_the_cancellations(settled: World) -> None:
    by = {}
    for source in ("ashby", "justifacts", "person", ""):
        order = settled.placed(f"JF-{source}", application={"ashby_id": f"a-{source}"})
        if source == "ashby":
            settled.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        elif source == "justifacts":
            settled.push(order, None, cancelled_reason=data("reason", "Withdrew"))
        elif source:
            OrderEvent.objects.create(order=order, source=source, kind="cancelled", summary="Cancelled.")
            Order.objects.filter(pk=order.pk).update(status="cancelled")
        by[source] = order
    Order.objects.update(cancelled_by="")
    migration = importlib.import_module("assessments.migrations.0017_who_cancelled")
    for _ in range(2):
        migration.fill(apps, connection.schema_editor())
    assert {source: Order.objects.get(pk=order.pk).cancelled_by for source, order in by.items()} == {
        source: source for source in by
    }
