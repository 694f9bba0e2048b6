"""What is known of candidates is encrypted at rest, and found by keyed search terms.

No table is written anew: ciphertext goes where the clear text was (of JSON, as a string of JSON), batch by
batch, while others read and write. Each step may be repeated, so that an upgrade that was stopped halfway is
gone on with by the next ``migrate``; backwards, everything is decrypted again.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from assessments import search
from integrations.encryption import rewrite
from integrations.encryption.fields import PersonalJSONField, PersonalTextField
from integrations.migrations._operations import StateOnly

_MODELS = ("Order", "Update", "Attempt", "InboundCall")
#: Ciphertext is longer than what it holds. On PostgreSQL no row is touched for it; SQLite counts no letters.
_LENGTHS = {
    "candidate_first_name": 200,
    "candidate_last_name": 200,
    "candidate_email": 254,
    "candidate_profile_url": 2000,
    "report_url": 2000,
}


def make_room(apps: Any, schema_editor: Any) -> None:
    _alter(schema_editor, {name: "text" for name in _LENGTHS})


def take_room_back(apps: Any, schema_editor: Any) -> None:
    _alter(schema_editor, {name: f"varchar({length})" for name, length in _LENGTHS.items()})


def _alter(schema_editor: Any, types: dict[str, str]) -> None:
    if schema_editor.connection.vendor == "postgresql":
        changes = ", ".join(f"ALTER COLUMN {name} TYPE {kind}" for name, kind in types.items())
        schema_editor.execute(f"ALTER TABLE assessments_order {changes}")


def make_terms(apps: Any, schema_editor: Any) -> None:
    connection, model = schema_editor.connection, apps.get_model("assessments", "CandidateSearchTerm")
    if model._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor(atomic=True) as editor:
            editor.create_model(model)


def drop_terms(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DROP TABLE IF EXISTS assessments_candidatesearchterm")


def encrypt(apps: Any, schema_editor: Any) -> None:
    _rewrite(apps, schema_editor.connection, rewrite.encrypted)


def decrypt(apps: Any, schema_editor: Any) -> None:
    _rewrite(apps, schema_editor.connection, rewrite.decrypted)


def _rewrite(apps: Any, connection: Any, change: rewrite.Change) -> None:
    for name in _MODELS:
        rewrite.rewrite(connection, rewrite.Table.of(apps.get_model("assessments", name)), change)


def remember(apps: Any, schema_editor: Any) -> None:
    search.rebuild(*(apps.get_model("assessments", name) for name in ("Order", "CandidateSearchTerm")))


def clear_what_was_written_over(apps: Any, schema_editor: Any) -> None:
    """SQLite leaves in its file what it has no use for any more; PostgreSQL's own vacuum comes by itself."""
    connection = schema_editor.connection
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        schema_editor.execute("VACUUM")


def _text(model: str, name: str, **options: Any) -> migrations.AlterField:
    return migrations.AlterField(model, name, PersonalTextField(**options))


def _json(model: str, name: str, **options: Any) -> migrations.AlterField:
    return migrations.AlterField(model, name, PersonalJSONField(**options))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0012_key_rotation_for_people")]

    operations = [
        StateOnly(
            _text("order", "candidate_first_name", verbose_name="first name"),
            _text("order", "candidate_last_name", verbose_name="last name"),
            _text("order", "candidate_email", verbose_name="e-mail"),
            _text("order", "candidate_profile_url", blank=True),
            _json("order", "application", default=dict),
            _json("order", "job", default=dict),
            _json("order", "additional_fields", default=dict),
            _text("order", "report_url", blank=True),
            _text("order", "end_reason", blank=True, verbose_name="reason of the end"),
            _text("order", "attention_reason", blank=True),
            _text("order", "call_error", blank=True),
            _json("update", "payload", verbose_name="payload"),
            _text("update", "last_error", blank=True, verbose_name="last error"),
            _json("update", "warnings", default=list, verbose_name="warnings"),
            _text("attempt", "message", blank=True, verbose_name="message"),
            _text("attempt", "answer", blank=True, verbose_name="answer (shortened, redacted)"),
            _text("inboundcall", "message", blank=True, verbose_name="message"),
            _json("inboundcall", "body", default=dict, verbose_name="body (redacted)"),
            migrations.CreateModel(
                name="CandidateSearchTerm",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("term", models.BigIntegerField()),
                    (
                        "order",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="search_terms",
                            to="assessments.order",
                            verbose_name="order",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "search term",
                    "verbose_name_plural": "search terms",
                    "indexes": [models.Index(fields=["term", "order"], name="orders_by_search_term")],
                },
            ),
        ),
        migrations.RunPython(make_room, take_room_back),
        migrations.RunPython(make_terms, drop_terms, atomic=False),
        migrations.RunPython(encrypt, decrypt, atomic=False),
        migrations.RunPython(remember, migrations.RunPython.noop, atomic=False),
        migrations.RunPython(clear_what_was_written_over, migrations.RunPython.noop, atomic=False),
    ]
