"""Rename models and columns to the field's standard terms. Tables and columns are renamed, never copied."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import integrations.encryption.fields
from integrations.migrations._operations import Rename


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0024_fill_may_have_been_sent"),
        ("integrations", "0015_standard_terms"),
    ]

    operations = [
        Rename(
            models={
                "Update": "AshbyUpdate",
                "Attempt": "CallAttempt",
                "InboundCall": "InboundRequest",
                "Event": "OrderEvent",
                "NoticeChoice": "NotificationPreference",
                "Told": "NotificationState",
                "WatchLimits": "StallThresholds",
                "Difference": "Discrepancy",
            },
            fields={
                "Order": {
                    "claim_token": "lease_token",  # nosec B105 # the name of a column
                    "claimed_until": "leased_until",
                    "by_job_mapping": "package_from_job_mapping",
                    "status_is_unknown": "status_unrecognized",
                    "end_reason": "closing_reason",
                    "attention_concern": "attention_topic",
                    "still_since": "stalled_since",
                    "still_reason": "stall_reason",
                    "still_limit": "stall_threshold",
                    "still_told": "stall_notified_status",
                    "next_call_at": "next_attempt_at",
                    "call_failing_since": "failing_since",
                    "call_error": "last_call_error",
                    "polled_at": "last_polled_at",
                    "erased_why": "erasure_reason",
                },
                "AshbyUpdate": {
                    "claim_token": "lease_token",  # nosec B105 # the name of a column
                    "claimed_until": "leased_until",
                    "due_at": "next_attempt_at",
                },
                "Reconciliation": {
                    "claim_token": "lease_token",  # nosec B105 # the name of a column
                    "claimed_until": "leased_until",
                    "due_at": "next_attempt_at",
                    "compared_up_to": "cursor",
                    "asked_by": "requested_by",
                    "mended": "resolved",
                    "for_human": "needs_review",
                },
                "NotificationState": {
                    "until": "notified_up_to",
                },
                "StallThresholds": {
                    "tell_ashby": "notify_ashby",
                },
                "NotificationPreference": {
                    "human": "attention",
                },
            },
            # Both databases have rewritten indexes and constraints with the columns' names: only Django has to know.
            state_operations=[
                migrations.AlterModelOptions(
                    name="callattempt",
                    options={
                        "ordering": ["at", "pk"],
                        "verbose_name": "call attempt",
                        "verbose_name_plural": "call attempts",
                    },
                ),
                migrations.AlterModelOptions(
                    name="discrepancy",
                    options={
                        "ordering": ["pk"],
                        "verbose_name": "discrepancy",
                        "verbose_name_plural": "discrepancies",
                    },
                ),
                migrations.AlterModelOptions(
                    name="erasurecertificate",
                    options={
                        "default_permissions": ("view",),
                        "ordering": ["-at"],
                        "permissions": [("erase_candidate", "Can have a candidate's data erased")],
                        "verbose_name": "erasure certificate",
                        "verbose_name_plural": "erasure certificates",
                    },
                ),
                migrations.AlterModelOptions(
                    name="inboundrequest",
                    options={
                        "ordering": ["-received_at", "-pk"],
                        "verbose_name": "inbound request",
                        "verbose_name_plural": "inbound requests",
                    },
                ),
                migrations.AlterModelOptions(
                    name="notificationpreference",
                    options={"verbose_name": "notification preference"},
                ),
                migrations.AlterModelOptions(
                    name="notificationstate",
                    options={"verbose_name": "notification state"},
                ),
                migrations.AlterModelOptions(
                    name="order",
                    options={
                        "ordering": ["-created_at"],
                        "permissions": [
                            ("retry_order", "Can retry pending work of an order"),
                            ("poll_order", "Can poll Justifacts for an order's status now"),
                            ("resend_order", "Can resend or skip an order's updates to Ashby"),
                            ("cancel_order", "Can cancel an order at Ashby and Justifacts"),
                            (
                                "resolve_unknown_placement",
                                "Can link or resubmit an order whose placement outcome is unknown",
                            ),
                            ("note_order", "Can add a note to an order"),
                            ("resolve_order", "Can mark an order as needing no more attention"),
                            ("export_order", "Can export orders"),
                            ("hold_order", "Can place and lift a legal hold"),
                        ],
                        "verbose_name": "order",
                        "verbose_name_plural": "orders",
                    },
                ),
                migrations.AlterModelOptions(
                    name="reconciliation",
                    options={
                        "ordering": ["-started_at", "-pk"],
                        "permissions": [
                            (
                                "reconcile",
                                "Can reconcile an organization's orders with Ashby and Justifacts now",
                            )
                        ],
                        "verbose_name": "reconciliation",
                        "verbose_name_plural": "reconciliations",
                    },
                ),
                migrations.AlterModelOptions(
                    name="stallthresholds",
                    options={
                        "ordering": ["organization__name"],
                        "verbose_name": "stall thresholds",
                        "verbose_name_plural": "stall thresholds",
                    },
                ),
                migrations.RemoveConstraint(
                    model_name="order",
                    name="standing_still_with_a_reason",
                ),
                migrations.RemoveConstraint(
                    model_name="order",
                    name="what_has_ended_does_not_stand_still",
                ),
                migrations.RemoveConstraint(
                    model_name="order",
                    name="erased_for_a_reason",
                ),
                migrations.RemoveConstraint(
                    model_name="order",
                    name="erased_without_personal_data",
                ),
                migrations.RemoveIndex(
                    model_name="ashbyupdate",
                    name="updates_unsaid",
                ),
                migrations.RemoveIndex(
                    model_name="order",
                    name="orders_due",
                ),
                migrations.RemoveIndex(
                    model_name="order",
                    name="orders_of_unknown_status",
                ),
                migrations.RemoveIndex(
                    model_name="order",
                    name="orders_standing_still",
                ),
                migrations.RemoveIndex(
                    model_name="order",
                    name="orders_watched",
                ),
                migrations.AlterField(
                    model_name="ashbyupdate",
                    name="delivered_at",
                    field=models.DateTimeField(null=True, verbose_name="accepted at"),
                ),
                migrations.AlterField(
                    model_name="ashbyupdate",
                    name="next_attempt_at",
                    field=models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="next attempt"
                    ),
                ),
                migrations.AlterField(
                    model_name="ashbyupdate",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("delivered", "accepted by Ashby"),
                            ("refused", "refused by Ashby"),
                            ("set_aside", "skipped by staff"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="callattempt",
                    name="call",
                    field=models.CharField(
                        choices=[
                            ("place", "place at Justifacts"),
                            ("look_up", "look up at Justifacts"),
                            ("cancel", "cancel at Justifacts"),
                            ("deliver", "deliver to Ashby"),
                        ],
                        max_length=10,
                        verbose_name="call",
                    ),
                ),
                migrations.AlterField(
                    model_name="discrepancy",
                    name="order",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="assessments.order",
                        verbose_name="order",
                    ),
                ),
                migrations.AlterField(
                    model_name="discrepancy",
                    name="outcome",
                    field=models.CharField(
                        choices=[
                            ("resolved", "fixed"),
                            ("needs_review", "needs review"),
                            ("not_checked", "not checked"),
                        ],
                        max_length=12,
                        verbose_name="outcome",
                    ),
                ),
                migrations.AlterField(
                    model_name="discrepancy",
                    name="reconciliation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="discrepancies",
                        to="assessments.reconciliation",
                        verbose_name="reconciliation",
                    ),
                ),
                migrations.AlterField(
                    model_name="erasurecertificate",
                    name="by",
                    field=models.CharField(max_length=150, verbose_name="erased by"),
                ),
                migrations.AlterField(
                    model_name="inboundrequest",
                    name="order",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="inbound_requests",
                        to="assessments.order",
                        verbose_name="order",
                    ),
                ),
                migrations.AlterField(
                    model_name="inboundrequest",
                    name="organization",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbound_requests",
                        to="integrations.organization",
                        verbose_name="organization",
                    ),
                ),
                migrations.AlterField(
                    model_name="notificationpreference",
                    name="attention",
                    field=models.BooleanField(default=True, verbose_name="An order needs attention"),
                ),
                migrations.AlterField(
                    model_name="notificationpreference",
                    name="connection",
                    field=models.BooleanField(default=True, verbose_name="A connection breaks or recovers"),
                ),
                migrations.AlterField(
                    model_name="notificationpreference",
                    name="digest",
                    field=models.BooleanField(default=False, verbose_name="Daily summary"),
                ),
                migrations.AlterField(
                    model_name="notificationpreference",
                    name="person",
                    field=models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notification_preference",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                migrations.AlterField(
                    model_name="notificationstate",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("connection", "A connection breaks or recovers"),
                            ("attention", "An order needs attention"),
                            ("digest", "Daily summary"),
                        ],
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="attention_topic",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("", "nothing"),
                            ("placing", "placing the order"),
                            ("delivery", "delivering updates to Ashby"),
                            ("cancel", "cancelling at Justifacts"),
                            ("number", "the order number at Justifacts"),
                            ("result", "a result that Justifacts sent after the end"),
                            ("poll", "reading the answers of Justifacts"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="cancelled_by",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("", "not cancelled"),
                            ("ashby", "Ashby"),
                            ("justifacts", "Justifacts"),
                            ("person", "staff"),
                        ],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="closing_reason",
                    field=integrations.encryption.fields.PersonalTextField(
                        blank=True, verbose_name="closing reason"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="erasure_reason",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("", "not erased"),
                            ("retention", "the retention period has ended"),
                            ("request", "on request"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="justifacts_status",
                    field=integrations.encryption.fields.PersonalTextField(
                        blank=True, verbose_name="last status from Justifacts"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="legal_hold_reason",
                    field=integrations.encryption.fields.PersonalTextField(
                        blank=True, default="", verbose_name="reason for the legal hold"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="needs_attention",
                    field=models.BooleanField(default=False, verbose_name="needs attention"),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="next_call",
                    field=models.CharField(
                        blank=True,
                        choices=[
                            ("", "nothing"),
                            ("place", "place the order"),
                            ("look_up", "look up whether the order exists"),
                            ("cancel", "cancel the order"),
                            ("poll", "ask for the status"),
                        ],
                        default="place",
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="package_from_job_mapping",
                    field=models.BooleanField(
                        default=False, verbose_name="package chosen by the job mapping"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="status_unrecognized",
                    field=models.BooleanField(
                        default=False, verbose_name="unrecognized status at Justifacts"
                    ),
                ),
                migrations.AlterField(
                    model_name="orderevent",
                    name="source",
                    field=models.CharField(
                        choices=[
                            ("ashby", "Ashby"),
                            ("justifacts", "Justifacts"),
                            ("portal", "the portal"),
                            ("person", "staff"),
                        ],
                        max_length=10,
                        verbose_name="source",
                    ),
                ),
                migrations.AlterField(
                    model_name="reconciliation",
                    name="error",
                    field=models.TextField(blank=True, verbose_name="why it failed"),
                ),
                migrations.AlterField(
                    model_name="reconciliation",
                    name="needs_review",
                    field=models.PositiveIntegerField(default=0, verbose_name="needs review"),
                ),
                migrations.AlterField(
                    model_name="reconciliation",
                    name="requested_by",
                    field=models.CharField(max_length=150, verbose_name="requested by"),
                ),
                migrations.AlterField(
                    model_name="reconciliation",
                    name="resolved",
                    field=models.PositiveIntegerField(default=0, verbose_name="fixed"),
                ),
                migrations.AlterField(
                    model_name="stallthresholds",
                    name="in_process_business_days",
                    field=models.PositiveIntegerField(
                        default=10,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(250),
                        ],
                        verbose_name="in process (business days)",
                    ),
                ),
                migrations.AlterField(
                    model_name="stallthresholds",
                    name="notify_ashby",
                    field=models.BooleanField(default=False, verbose_name="send Ashby a note"),
                ),
                migrations.AddIndex(
                    model_name="ashbyupdate",
                    index=models.Index(fields=["state", "next_attempt_at"], name="updates_unsaid"),
                ),
                migrations.AddIndex(
                    model_name="order",
                    index=models.Index(
                        condition=models.Q(("next_attempt_at__isnull", False)),
                        fields=["next_attempt_at"],
                        name="orders_due",
                    ),
                ),
                migrations.AddIndex(
                    model_name="order",
                    index=models.Index(
                        condition=models.Q(("status_unrecognized", True)),
                        fields=["organization"],
                        name="orders_of_unknown_status",
                    ),
                ),
                migrations.AddIndex(
                    model_name="order",
                    index=models.Index(
                        condition=models.Q(("stalled_since__isnull", False)),
                        fields=["organization", "status"],
                        name="orders_standing_still",
                    ),
                ),
                migrations.AddIndex(
                    model_name="order",
                    index=models.Index(
                        condition=models.Q(("stalled_since", None)),
                        fields=["status", "status_since"],
                        name="orders_watched",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="order",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("stall_reason", ""), ("stall_threshold", None), ("stalled_since", None)
                            ),
                            models.Q(
                                ("stall_threshold__isnull", False),
                                ("stalled_since__isnull", False),
                                models.Q(("stall_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="standing_still_with_a_reason",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="order",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["cancelled", "complete", "rejected"]), _negated=True),
                            ("stalled_since", None),
                            _connector="OR",
                        ),
                        name="what_has_ended_does_not_stand_still",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="order",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("erased_at", None), ("erasure_reason", "")),
                            models.Q(
                                ("erased_at__isnull", False), ("erasure_reason__in", ["retention", "request"])
                            ),
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
                                ("candidate_email", ""),
                                ("candidate_first_name", ""),
                                ("candidate_id", ""),
                                ("candidate_last_name", ""),
                                ("candidate_profile_url", ""),
                                ("closing_reason", ""),
                                ("justifacts_status", ""),
                                ("last_call_error", ""),
                                ("legal_hold_reason", ""),
                                ("report_url", ""),
                                ("result", ""),
                            ),
                            _connector="OR",
                        ),
                        name="erased_without_personal_data",
                    ),
                ),
            ],
        )
    ]
