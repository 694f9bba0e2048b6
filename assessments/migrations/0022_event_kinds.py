"""The database accepts only the kinds of events that the portal knows.

PostgreSQL adds the constraint without reading the table; migration 0024 validates it. SQLite copies the table,
which loses the trigger of migration 0002, so that it is made again.
"""

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

_KINDS = [
    *("started", "answered_again", "waited_long", "looked_up_first", "placed", "adopted", "not_taken"),
    *("rejected", "placing_unknown", "placing_interrupted", "placed_again", "made_again"),
    *("status", "unknown_status", "completed", "result_changed", "confirmed", "late", "after_end"),
    *("not_understood", "report_not_taken", "number_changed"),
    *("cancelled", "cancel_asked", "cancel_ignored", "cancel_taken", "cancel_again"),
    *("paused", "resumed", "told_when_reconciled", "needs_attention", "attention_settled", "standing_still"),
    *("retried", "poll_asked", "set_aside", "resent", "number_taken", "result_taken", "resolved", "note"),
    *("held", "hold_lifted", "erased"),
]


class _AddConstraint(AddConstraintNotValid):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        parent = super() if is_postgresql else super(AddConstraintNotValid, self)
        parent.database_forwards(app_label, schema_editor, from_state, to_state)


def make_trigger(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "CREATE TRIGGER IF NOT EXISTS event_never_changes BEFORE UPDATE ON assessments_event "
            "BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END"
        )


class Migration(migrations.Migration):
    dependencies = [("assessments", "0021_last_word_encrypted")]

    operations = [
        # First, so that it runs last, and makes the trigger again, when the migration is taken back.
        migrations.RunPython(migrations.RunPython.noop, make_trigger),
        _AddConstraint(
            "event",
            models.CheckConstraint(name="event_kind_known", condition=models.Q(kind__in=_KINDS)),
        ),
        migrations.RunPython(make_trigger, migrations.RunPython.noop),
    ]
