"""Whether an order may be placed again, in columns: so far the portal searched the order's history for it.

Every order that is there counts as one that Justifacts may have, which is the careful answer; migration 0024
knows better for orders that are not placed yet. Neither PostgreSQL nor SQLite writes the table here.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Q

_ALTER = "ALTER TABLE assessments_order"
_CHECK = "CONSTRAINT a_numbered_order_was_sent CHECK (justifacts_order_id = '' OR may_have_been_sent)"


def add(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"{_ALTER} ADD COLUMN cleared_for_placement bool DEFAULT false NOT NULL")
    column = f"{_ALTER} ADD COLUMN may_have_been_sent bool DEFAULT true NOT NULL"
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(column)
        schema_editor.execute(f"{_ALTER} ADD {_CHECK} NOT VALID")
    else:
        schema_editor.execute(f"{column} {_CHECK}")


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"{_ALTER} DROP COLUMN may_have_been_sent")
    schema_editor.execute(f"{_ALTER} DROP COLUMN cleared_for_placement")


class Migration(migrations.Migration):
    dependencies = [("assessments", "0022_event_kinds")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add, remove)],
            state_operations=[
                migrations.AddField(
                    "order", "cleared_for_placement", models.BooleanField(db_default=False, default=False)
                ),
                migrations.AddField(
                    "order", "may_have_been_sent", models.BooleanField(db_default=True, default=False)
                ),
                migrations.AddConstraint(
                    "order",
                    models.CheckConstraint(
                        name="a_numbered_order_was_sent",
                        condition=Q(justifacts_order_id="") | Q(may_have_been_sent=True),
                    ),
                ),
            ],
        )
    ]
