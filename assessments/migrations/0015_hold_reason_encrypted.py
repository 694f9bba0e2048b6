"""Why an order is under a legal hold is a person's own words, which may name the candidate: encrypted as the
other reasons are. No column changes."""

from django.db import migrations

from integrations.encryption.fields import PersonalTextField
from integrations.encryption.rewrite import Change, decrypted, encrypted


def _rewrite(schema_editor, change: Change):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT assessment_id, legal_hold_reason FROM assessments_order WHERE legal_hold")
        for pk, reason in cursor.fetchall():
            cursor.execute(
                "UPDATE assessments_order SET legal_hold_reason = %s WHERE assessment_id = %s",
                [change(reason), pk],
            )


def encrypt(apps, schema_editor):
    _rewrite(schema_editor, encrypted)


def decrypt(apps, schema_editor):
    _rewrite(schema_editor, decrypted)


class Migration(migrations.Migration):
    dependencies = [("assessments", "0014_retention")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "order",
                    "legal_hold_reason",
                    PersonalTextField(blank=True, default="", verbose_name="reason of the legal hold"),
                ),
            ]
        ),
        migrations.RunPython(encrypt, decrypt),
    ]
