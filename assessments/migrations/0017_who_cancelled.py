"""Fills ``cancelled_by`` of the orders that were cancelled before the column existed, from the source of the
event that the cancellation wrote. Separate from the change of the schema, so that no lock of that is held."""

from django.db import migrations
from django.db.models import OuterRef, Subquery

BATCH = 1000


def fill(apps, schema_editor):
    Order, Event = apps.get_model("assessments", "Order"), apps.get_model("assessments", "Event")
    events = Event.objects.filter(
        order=OuterRef("pk"), kind="cancelled", source__in=["ashby", "justifacts", "person"]
    )
    source = Subquery(events.order_by("-at", "-pk").values("source")[:1])
    known = Order.objects.order_by().filter(status="cancelled", cancelled_by="", events__kind="cancelled")
    ids = list(known.values_list("pk", flat=True).distinct())
    for start in range(0, len(ids), BATCH):
        some = Order.objects.filter(pk__in=ids[start : start + BATCH], cancelled_by="")
        for source_name in ("ashby", "justifacts", "person"):
            some.annotate(source=source).filter(source=source_name).update(cancelled_by=source_name)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0016_results_after_completion")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
