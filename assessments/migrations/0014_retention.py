"""The clock of candidates' data, legal holds, and certificates of erasure, which nobody changes. Org admins and
operators hold and forget, and org admins set their organization's clock; support reads."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from assessments.role_grants import grant
from integrations.migrations._operations import StatementsLast

CLOCK = ("hold_order", "view_erasurecertificate", "forget_candidate", "change_organization")
ROLES = {"operator": CLOCK, "org admin": CLOCK, "support": ("view_erasurecertificate",)}

_SQLITE = (
    """CREATE TRIGGER certificate_never_changes BEFORE UPDATE ON assessments_erasurecertificate
       BEGIN SELECT RAISE(ABORT, 'a certificate is never changed'); END""",
    "DROP TRIGGER certificate_never_changes",
)
_POSTGRESQL = (
    """CREATE FUNCTION refuse_certificate_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'a certificate is never changed' USING ERRCODE = 'restrict_violation'; END $$;
       CREATE TRIGGER certificate_never_changes BEFORE UPDATE ON assessments_erasurecertificate
       FOR EACH ROW EXECUTE FUNCTION refuse_certificate_change()""",
    "DROP TRIGGER certificate_never_changes ON assessments_erasurecertificate; "
    "DROP FUNCTION refuse_certificate_change()",
)


def _statements(schema_editor):
    return _POSTGRESQL if schema_editor.connection.vendor == "postgresql" else _SQLITE


def refuse_changes(apps, schema_editor):
    schema_editor.execute(_statements(schema_editor)[0])


def allow_changes(apps, schema_editor):
    schema_editor.execute(_statements(schema_editor)[1])


def grant_roles(apps, schema_editor):
    grant(apps, ROLES, schema_editor.connection.alias)


class Migration(StatementsLast):
    dependencies = [
        ("assessments", "0013_candidates_encrypted"),
        ("integrations", "0009_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="ErasureCertificate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="number",
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="when"
                    ),
                ),
                ("by", models.CharField(max_length=150, verbose_name="by whom")),
                (
                    "candidate_digest",
                    models.CharField(db_index=True, max_length=64, verbose_name="keyed digest of the e-mail"),
                ),
                ("counts", models.JSONField(default=dict, verbose_name="what was erased")),
                ("orders", models.JSONField(default=list, verbose_name="orders")),
                ("kept", models.JSONField(default=list, verbose_name="what was kept")),
            ],
            options={
                "verbose_name": "erasure certificate",
                "verbose_name_plural": "erasure certificates",
                "ordering": ["-at"],
                "permissions": [("forget_candidate", "Can have a candidate's data erased")],
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="order",
            options={
                "ordering": ["-created_at"],
                "permissions": [
                    ("retry_order", "Can set going again what waits for an order"),
                    ("poll_order", "Can ask Justifacts for an order's status now"),
                    ("resend_order", "Can send Ashby an order's updates again, or set one aside"),
                    ("cancel_order", "Can cancel an order at both sides"),
                    (
                        "rescue_order",
                        "Can adopt an order number, or place an order again, after an unknown placing",
                    ),
                    ("note_order", "Can add a note to an order"),
                    ("resolve_order", "Can say that an order needs no human any more"),
                    ("export_order", "Can export orders"),
                    ("hold_order", "Can put an order under a legal hold, and lift it"),
                ],
                "verbose_name": "order",
                "verbose_name_plural": "orders",
            },
        ),
        migrations.AddField(
            model_name="order",
            name="erased_at",
            field=models.DateTimeField(null=True, verbose_name="personal data erased"),
        ),
        migrations.AddField(
            model_name="order",
            name="erased_why",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "it is not erased"),
                    ("retention", "the time for which it is kept is over"),
                    ("request", "on request"),
                ],
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="legal_hold",
            field=models.BooleanField(default=False, verbose_name="legal hold"),
        ),
        migrations.AddField(
            model_name="order",
            name="legal_hold_reason",
            field=models.TextField(blank=True, default="", verbose_name="reason of the legal hold"),
        ),
        migrations.AddIndex(
            model_name="inboundcall",
            index=models.Index(
                condition=models.Q(("order", None)),
                fields=["organization", "received_at"],
                name="inbound_of_no_order",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("erased_at", None)),
                fields=["organization", "status_since"],
                name="orders_not_erased",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("legal_hold", False), ("legal_hold_reason", "")),
                    models.Q(("legal_hold", True), models.Q(("legal_hold_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="held_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("legal_hold", False), ("erased_at", None), _connector="OR"),
                name="what_is_held_is_not_erased",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None),
                    ("status__in", ["cancelled", "complete", "rejected"]),
                    _connector="OR",
                ),
                name="only_what_has_ended_is_erased",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("erased_at", None), ("erased_why", "")),
                    models.Q(("erased_at__isnull", False), ("erased_why__in", ["retention", "request"])),
                    _connector="OR",
                ),
                name="erased_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None),
                    models.Q(
                        ("attention_reason", ""),
                        ("call_error", ""),
                        ("candidate_email", ""),
                        ("candidate_first_name", ""),
                        ("candidate_id", ""),
                        ("candidate_last_name", ""),
                        ("candidate_profile_url", ""),
                        ("end_reason", ""),
                        ("justifacts_status", ""),
                        ("legal_hold_reason", ""),
                        ("report_url", ""),
                        ("result", ""),
                    ),
                    _connector="OR",
                ),
                name="erased_without_personal_data",
            ),
        ),
        migrations.AddField(
            model_name="erasurecertificate",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="erasure_certificates",
                to="integrations.organization",
                verbose_name="organization",
            ),
        ),
        migrations.RunPython(refuse_changes, allow_changes),
        migrations.RunPython(grant_roles, migrations.RunPython.noop),
    ]
