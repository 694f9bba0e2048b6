"""Whether an order may be placed again, in columns: so far the portal searched the order's history for it.

Every order that is there counts as one that Justifacts may have, which is the careful answer; migration 0024
knows better for orders that are not placed yet. PostgreSQL reads no table here.
"""

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class _AddConstraint(AddConstraintNotValid):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        parent = super() if is_postgresql else super(AddConstraintNotValid, self)
        parent.database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("assessments", "0022_event_kinds")]

    operations = [
        migrations.AddField(
            "order", "cleared_for_placement", models.BooleanField(db_default=False, default=False)
        ),
        migrations.AddField(
            "order", "may_have_been_sent", models.BooleanField(db_default=True, default=False)
        ),
        _AddConstraint(
            "order",
            models.CheckConstraint(
                name="a_numbered_order_was_sent",
                condition=Q(justifacts_order_id="") | Q(may_have_been_sent=True),
            ),
        ),
    ]
