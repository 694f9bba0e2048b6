"""Indexes with which a sweep reads the first due rows of each organization, and no others.

They replace one by the due time alone, and one for orders that are not placed.
"""

from django.db import migrations, models
from django.db.models import Q

from integrations.migrations._operations import ChangeIndexes

_DUE = ["organization", "next_attempt_at"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0031_organization_of_updates")]

    operations = [
        ChangeIndexes(
            migrations.AddIndex(
                "order",
                models.Index(
                    name="orders_to_call",
                    fields=_DUE,
                    condition=Q(next_call__in=("place", "look_up", "cancel")),
                ),
            ),
            migrations.AddIndex(
                "order", models.Index(name="orders_to_poll", fields=_DUE, condition=Q(next_call="poll"))
            ),
            migrations.AddIndex(
                "ashbyupdate",
                models.Index(name="updates_to_deliver", fields=_DUE, condition=Q(state="waiting")),
            ),
            migrations.AddIndex(
                "ashbyupdate",
                models.Index(
                    name="updates_of_no_organization",
                    fields=["id"],
                    condition=Q(organization=None, state="waiting"),
                ),
            ),
            migrations.RemoveIndex("order", "orders_due"),
            migrations.RemoveIndex("order", "orders_to_place"),
        )
    ]
