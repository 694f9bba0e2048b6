"""The watchdog: limits for standing still, and what it writes on orders. Org admins set the limits,
support reads them."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from assessments.role_grants import grant
from integrations.migrations._operations import StatementsLast

ROLES = {
    "operator": ["view_watchlimits", "add_watchlimits", "change_watchlimits", "delete_watchlimits"],
    "org admin": ["view_watchlimits", "add_watchlimits", "change_watchlimits", "delete_watchlimits"],
    "support": ["view_watchlimits"],
}


def grant_roles(apps, schema_editor):
    grant(apps, ROLES, schema_editor.connection.alias)


class Migration(StatementsLast):
    dependencies = [
        ("assessments", "0007_names_for_people"),
        ("integrations", "0004_breakers"),
    ]

    operations = [
        migrations.CreateModel(
            name="WatchLimits",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watch_limits",
                        serialize=False,
                        to="integrations.organization",
                        verbose_name="organization",
                    ),
                ),
                (
                    "accepted_minutes",
                    models.PositiveIntegerField(
                        default=15,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10080),
                        ],
                        verbose_name="accepted (minutes)",
                    ),
                ),
                (
                    "received_days",
                    models.PositiveIntegerField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="received (days)",
                    ),
                ),
                (
                    "applicant_started_days",
                    models.PositiveIntegerField(
                        default=7,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="applicant started (days)",
                    ),
                ),
                (
                    "in_process_business_days",
                    models.PositiveIntegerField(
                        default=10,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(250),
                        ],
                        verbose_name="in process (working days)",
                    ),
                ),
                ("tell_ashby", models.BooleanField(default=False, verbose_name="tell Ashby")),
            ],
            options={
                "verbose_name": "limits for standing still",
                "verbose_name_plural": "limits for standing still",
                "ordering": ["organization__name"],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="still_limit",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="still_reason",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="order",
            name="still_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="order",
            name="still_told",
            field=models.CharField(
                blank=True,
                choices=[
                    ("accepted", "Accepted"),
                    ("received", "Received"),
                    ("applicant_started", "Applicant started"),
                    ("in_process", "In process"),
                    ("complete", "Complete"),
                    ("cancelled", "Cancelled"),
                    ("rejected", "Rejected"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("still_since__isnull", False)),
                fields=["organization", "status"],
                name="orders_standing_still",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("still_since", None)),
                fields=["status", "status_since"],
                name="orders_watched",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("still_limit", None), ("still_reason", ""), ("still_since", None)),
                    models.Q(
                        ("still_limit__isnull", False),
                        ("still_since__isnull", False),
                        models.Q(("still_reason", ""), _negated=True),
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
                    ("still_since", None),
                    _connector="OR",
                ),
                name="what_has_ended_does_not_stand_still",
            ),
        ),
        migrations.AddConstraint(
            model_name="watchlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(("accepted_minutes__range", (1, 10080))), name="accepted_minutes_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="watchlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(("received_days__range", (1, 365))), name="received_days_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="watchlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(("applicant_started_days__range", (1, 365))),
                name="applicant_started_days_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="watchlimits",
            constraint=models.CheckConstraint(
                condition=models.Q(("in_process_business_days__range", (1, 250))),
                name="in_process_business_days_in_range",
            ),
        ),
        migrations.RunPython(grant_roles, migrations.RunPython.noop),
    ]
