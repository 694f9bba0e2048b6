"""The watchdog: limits for standing still, and what it writes on orders. Org admins set the limits,
support reads them."""

import django.core.validators
import django.db.models.deletion
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

ROLES = {
    "operator": ("view", "add", "change", "delete"),
    "org admin": ("view", "add", "change", "delete"),
    "support": ("view",),
}


def grant(apps, schema_editor):
    # Django makes permissions after all migrations; they are needed here.
    config = apps.get_app_config("assessments")
    before = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, verbs in ROLES.items():
        names = [f"{verb}_watchlimits" for verb in verbs]
        ours = Permission.objects.filter(content_type__app_label="assessments", codename__in=names)
        Group.objects.get_or_create(name=name)[0].permissions.add(*ours)


class Migration(migrations.Migration):
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
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
