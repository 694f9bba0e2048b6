"""The audit trail, whose lines nobody changes."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import integrations.encryption.secrets
from integrations.audit.triggers import POSTGRESQL, SQLITE


def refuse_changes(apps: Any, schema_editor: Any) -> None:
    """The database itself refuses what the application does not do. (Whoever alters this table on SQLite
    later has to make the triggers again: Django copies the table then.)"""
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0004_breakers"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("chain", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("last", integrations.encryption.fields.EncryptedTextField(editable=False)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain", models.CharField(editable=False, max_length=40)),
                ("sequence", models.PositiveBigIntegerField(editable=False)),
                (
                    "at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name="at"),
                ),
                ("actor", models.CharField(max_length=200, verbose_name="who")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("viewed", "looked at"),
                            ("exported", "exported"),
                            ("asked", "pressed"),
                            ("added", "added"),
                            ("changed", "changed"),
                            ("deleted", "deleted"),
                            ("signed_in", "signed in"),
                            ("sign_in_failed", "failed to sign in"),
                            ("signed_out", "signed out"),
                            ("command", "ran a command"),
                        ],
                        max_length=20,
                        verbose_name="did",
                    ),
                ),
                ("kind", models.CharField(blank=True, max_length=100, verbose_name="what")),
                ("object_id", models.CharField(blank=True, db_index=True, max_length=100, verbose_name="id")),
                ("details", models.JSONField(default=dict, verbose_name="details")),
                ("address", models.CharField(blank=True, max_length=100, verbose_name="from address")),
                ("previous_hash", models.CharField(editable=False, max_length=64)),
                ("hash", models.CharField(editable=False, max_length=64)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="integrations.organization",
                        verbose_name="organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit line",
                "verbose_name_plural": "audit trail",
                "ordering": ["-pk"],
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("chain", "sequence"), name="audit_sequence_once")
                ],
            },
        ),
        migrations.RunPython(refuse_changes, migrations.RunPython.noop),
    ]
