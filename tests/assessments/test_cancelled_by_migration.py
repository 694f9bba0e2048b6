"""The data migration that fills ``Order.cancelled_by`` from the events of earlier versions."""

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from assessments.models import Order, OrderEvent
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere


class PresentModels:
    """The present models under the names that they had when the migration was written."""

    @staticmethod
    def get_model(app: str, name: str) -> Any:
        return apps.get_model(app, {"Event": "OrderEvent"}.get(name, name))


def test_cancelled_by_is_filled_from_the_source_of_the_cancellation_event(settled: World) -> None:
    by_source = {}
    for source in ("ashby", "justifacts", "person", ""):
        order = settled.placed(f"JF-{source}", application={"ashby_id": f"a-{source}"})
        if source == "ashby":
            settled.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
        elif source == "justifacts":
            settled.push(order, None, cancelled_reason=data("reason", "Withdrew"))
        elif source:
            OrderEvent.objects.create(order=order, source=source, kind="cancelled", summary="Cancelled.")
            Order.objects.filter(pk=order.pk).update(status="cancelled")
        by_source[source] = order
    Order.objects.update(cancelled_by="")
    migration = importlib.import_module("assessments.migrations.0017_who_cancelled")
    for _ in range(2):
        migration.fill(PresentModels, connection.schema_editor())
    filled = {source: Order.objects.get(pk=order.pk).cancelled_by for source, order in by_source.items()}
    assert filled == {source: source for source in by_source}
