"""Indexes that the figures of the first page are read from."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("assessments", "0005_notices")]

    operations = [
        migrations.RemoveIndex(model_name="order", name="orders_completed"),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                name="orders_completed",
                fields=["completed_at", "organization", "package", "result", "turnaround_minutes"],
                condition=Q(completed_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                name="orders_to_place",
                fields=["organization"],
                condition=Q(next_call__in=["place", "look_up"]),
            ),
        ),
    ]
