"""The database accepts only the kinds of events that the portal knows.

Nothing reads the whole table here: PostgreSQL validates the constraint in migration 0024, and SQLite, which
would have to copy the table for a constraint, gets a trigger.
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
_TRIGGER = f"""
CREATE TRIGGER event_kind_known BEFORE INSERT ON assessments_event
WHEN NEW.kind NOT IN ({", ".join(f"'{kind}'" for kind in _KINDS)})
BEGIN SELECT RAISE(ABORT, 'event_kind_known'); END
"""


class _AddConstraint(AddConstraintNotValid):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            schema_editor.execute(_TRIGGER)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            schema_editor.execute("DROP TRIGGER event_kind_known")


class Migration(migrations.Migration):
    dependencies = [("assessments", "0021_last_word_encrypted")]

    operations = [
        _AddConstraint(
            "event", models.CheckConstraint(name="event_kind_known", condition=models.Q(kind__in=_KINDS))
        )
    ]
