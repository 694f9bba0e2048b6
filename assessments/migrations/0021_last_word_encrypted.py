"""Justifacts' last word is stored as it was said, so that Ashby is told it as it stands. It may name the
candidate, and so it is encrypted. No table is rewritten; each step may be repeated."""

from typing import Any

from django.db import migrations

from integrations.encryption import rewrite
from integrations.encryption.fields import PersonalTextField

_TABLE = rewrite.Table("assessments_order", "assessment_id", ("justifacts_status",))


def make_room(apps: Any, schema_editor: Any) -> None:
    _alter(schema_editor, "text")


def take_room_back(apps: Any, schema_editor: Any) -> None:
    _alter(schema_editor, "varchar(500)")


def _alter(schema_editor: Any, kind: str) -> None:
    # SQLite counts no letters.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE assessments_order ALTER COLUMN justifacts_status TYPE {kind}")


def encrypt(apps: Any, schema_editor: Any) -> None:
    rewrite.rewrite(schema_editor.connection, _TABLE, rewrite.encrypted)


def decrypt(apps: Any, schema_editor: Any) -> None:
    rewrite.rewrite(schema_editor.connection, _TABLE, rewrite.decrypted)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0020_polls_not_understood")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "order",
                    "justifacts_status",
                    PersonalTextField(blank=True, verbose_name="Justifacts' last word"),
                )
            ]
        ),
        migrations.RunPython(make_room, take_room_back),
        migrations.RunPython(encrypt, decrypt, atomic=False),
    ]
