"""Rename models and columns to the field's standard terms. Tables and columns are renamed, never copied."""

import django.db.models.deletion
from django.db import migrations, models

import integrations.encryption.fields
import integrations.http.urls
from integrations.migrations._operations import Rename


class Migration(migrations.Migration):
    dependencies = [("integrations", "0014_sessions_are_listed")]

    operations = [
        Rename(
            models={
                "Errand": "ConnectionJob",
                "RetiringVerificationKey": "PreviousVerificationKey",
                "AuditEvent": "AuditLogEntry",
                "AuditHead": "AuditChainHead",
            },
            fields={
                "ConnectionJob": {
                    "asked_by": "requested_by",
                    "asked_at": "requested_at",
                    "lines": "findings",
                },
                "PreviousVerificationKey": {
                    "superseded_at": "replaced_at",
                },
                "AshbyApiKey": {
                    "superseded_at": "replaced_at",
                },
                "Connection": {
                    "notice_webhook": "chat_webhook",
                    "ashby_rest_until": "ashby_blocked_until",
                    "justifacts_rest_until": "justifacts_blocked_until",
                    "ashby_answered_at": "ashby_last_success_at",
                    "ashby_called_at": "last_inbound_call_at",
                },
            },
            # Both databases have rewritten indexes and constraints with the columns' names: only Django has to know.
            state_operations=[
                migrations.AlterModelOptions(
                    name="auditlogentry",
                    options={
                        "default_permissions": ("view",),
                        "ordering": ["-pk"],
                        "verbose_name": "audit log entry",
                        "verbose_name_plural": "audit log",
                    },
                ),
                migrations.AlterModelOptions(
                    name="connectionjob",
                    options={"ordering": ["-requested_at", "-pk"], "verbose_name": "connection job"},
                ),
                migrations.AlterModelOptions(
                    name="previousverificationkey",
                    options={
                        "default_permissions": ("view", "delete"),
                        "ordering": ["-replaced_at"],
                        "verbose_name": "previous verification key",
                        "verbose_name_plural": "previous verification keys",
                    },
                ),
                migrations.RemoveConstraint(
                    model_name="ashbyapikey",
                    name="key_in_use_is_not_replaced",
                ),
                migrations.RemoveIndex(
                    model_name="connectionjob",
                    name="errands_of_org",
                ),
                migrations.AlterField(
                    model_name="auditlogentry",
                    name="action",
                    field=models.CharField(
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
                            ("factor_added", "set up a second factor"),
                            ("factor_removed", "removed a second factor"),
                            ("factor_reset", "reset a person's second factor"),
                            ("factor_failed", "failed at the second step"),
                            ("command", "ran a command"),
                            ("erased", "erased"),
                        ],
                        max_length=20,
                        verbose_name="action",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditlogentry",
                    name="actor",
                    field=models.CharField(max_length=200, verbose_name="actor"),
                ),
                migrations.AlterField(
                    model_name="auditlogentry",
                    name="address",
                    field=models.CharField(blank=True, max_length=100, verbose_name="IP address"),
                ),
                migrations.AlterField(
                    model_name="auditlogentry",
                    name="kind",
                    field=models.CharField(blank=True, max_length=100, verbose_name="object"),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="ashby_blocked_until",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="calls to Ashby blocked until"
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="ashby_last_success_at",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last update accepted by Ashby"
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="justifacts_answered_at",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last response from Justifacts"
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="justifacts_blocked_until",
                    field=models.DateTimeField(
                        blank=True,
                        editable=False,
                        null=True,
                        verbose_name="calls to Justifacts blocked until",
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="chat_webhook",
                    field=integrations.encryption.fields.EncryptedTextField(
                        blank=True,
                        default="",
                        help_text="A Slack-compatible incoming webhook. It is a secret: who has it can write there.",
                        verbose_name="chat webhook URL",
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="probe_at",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="next attempt while paused"
                    ),
                ),
                migrations.AlterField(
                    model_name="connection",
                    name="report_hosts",
                    field=models.TextField(
                        blank=True,
                        default="",
                        help_text="Only needed where Justifacts' reports are somewhere else than Justifacts: the names of those servers, one a line. The address of a report at any other server is shown, and is no link.",
                        validators=[integrations.http.urls.validate_report_hosts],
                        verbose_name="other report servers",
                    ),
                ),
                migrations.AlterField(
                    model_name="connectionjob",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connection_jobs",
                        to="integrations.organization",
                    ),
                ),
                migrations.AlterField(
                    model_name="previousverificationkey",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="previous_verification_keys",
                        to="integrations.organization",
                        verbose_name="organization",
                    ),
                ),
                migrations.AddIndex(
                    model_name="connectionjob",
                    index=models.Index(
                        fields=["organization", "kind", "-requested_at"], name="errands_of_org"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="ashbyapikey",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("is_selected", False), ("replaced_at", None), _connector="OR"),
                        name="key_in_use_is_not_replaced",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditlogentry",
                    name="action",
                    field=models.CharField(
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
                            ("factor_added", "set up a second factor"),
                            ("factor_removed", "removed a second factor"),
                            ("factor_reset", "reset a person's second factor"),
                            ("factor_failed", "failed two-factor authentication"),
                            ("command", "ran a command"),
                            ("erased", "erased"),
                        ],
                        max_length=20,
                        verbose_name="action",
                    ),
                ),
                migrations.AlterField(
                    model_name="organization",
                    name="require_two_factor",
                    field=models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="On: each member of this organization must set up two-factor authentication (an authenticator app or a passkey) before they see anything else. Operators and support always must.",
                        verbose_name="two-factor authentication for everybody",
                    ),
                ),
            ],
        )
    ]
