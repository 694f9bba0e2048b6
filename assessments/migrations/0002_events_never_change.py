"""The database itself refuses to change a line of an order's history."""

from typing import Any

from django.db import migrations

_SQLITE = (
    """CREATE TRIGGER event_never_changes BEFORE UPDATE ON assessments_event
       BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END""",
    "DROP TRIGGER event_never_changes",
)
_POSTGRESQL = (
    """CREATE FUNCTION refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'an event is never changed' USING ERRCODE = 'restrict_violation'; END $$;
       CREATE TRIGGER event_never_changes BEFORE UPDATE ON assessments_event
       FOR EACH ROW EXECUTE FUNCTION refuse_event_change()""",
    "DROP TRIGGER event_never_changes ON assessments_event; DROP FUNCTION refuse_event_change()",
)


def _statements(schema_editor: Any) -> tuple[str, str]:
    return _POSTGRESQL if schema_editor.connection.vendor == "postgresql" else _SQLITE


def forwards(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_statements(schema_editor)[0])


def backwards(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_statements(schema_editor)[1])


class Migration(migrations.Migration):
    dependencies = [("assessments", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
