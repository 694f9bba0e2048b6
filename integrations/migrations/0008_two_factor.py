"""The second step of signing in: who has to have one, whose sessions ended, and its lines in the trail."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("integrations", "0007_report_hosts"),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionsEnded",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sessions_ended",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("times", models.PositiveIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="organization",
            name="require_two_factor",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="On: each member of this organization sets up a second step of signing in (an app on the telephone, or a passkey) before they see anything else. Operators and support always do.",
                verbose_name="two-factor sign-in for everybody",
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
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
                ],
                max_length=20,
                verbose_name="did",
            ),
        ),
    ]
