"""Fills the columns of migration 0023 from the history of the orders that are not placed yet, and validates
the constraints of the two migrations before. No lock is held for long, and each step may be repeated."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Q

BATCH = 1000
_DOUBTS = ["placing_unknown", "placing_interrupted", "made_again", "looked_up_first"]
_DECIDED = [*_DOUBTS, "waited_long", "placed_again"]


def fill(apps: Any, schema_editor: Any) -> None:
    Order, Event, Attempt = (apps.get_model("assessments", name) for name in ("Order", "Event", "Attempt"))

    def has(*kinds: str) -> Exists:
        return Exists(Event.objects.order_by().filter(order=OuterRef("pk"), kind__in=kinds))

    was_called = Exists(Attempt.objects.order_by().filter(order=OuterRef("pk")).exclude(call="deliver"))
    unplaced = Order.objects.order_by().filter(next_call__in=["place", "look_up"], justifacts_order_id="")
    ids = list(unplaced.values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        some = unplaced.filter(pk__in=ids[start : start + BATCH])
        some.filter(Q(justifacts_status=""), ~has(*_DOUBTS)).update(may_have_been_sent=False)
        # A mention by Justifacts, unless it was looked into, asks for a look-up before anything is placed.
        looked_into = Q(justifacts_status="") | Q(has("looked_up_first"))
        some.filter(Q(was_called) | Q(has(*_DECIDED)), looked_into).update(cleared_for_placement=True)
    # What a worker of the earlier version has written meanwhile.
    unplaced.filter(has(*_DOUBTS), may_have_been_sent=False).update(may_have_been_sent=True)


def validate(apps: Any, schema_editor: Any) -> None:
    """PostgreSQL reads the tables while others go on reading and writing. SQLite knows no constraint that is not valid."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE assessments_event VALIDATE CONSTRAINT event_kind_known")
        schema_editor.execute("ALTER TABLE assessments_order VALIDATE CONSTRAINT a_numbered_order_was_sent")


class Migration(migrations.Migration):
    atomic = False
    # This migration and earlier ones use the models' old names.
    run_before = [("integrations", "0015_standard_terms")]

    dependencies = [("assessments", "0023_may_have_been_sent")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(validate, migrations.RunPython.noop),
    ]
