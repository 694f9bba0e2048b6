"""How long an organization keeps candidates' data, and where its adverse-action notes are."""

import django.core.validators
from django.db import migrations, models

import integrations.models.organizations
from integrations.migrations._operations import StatementsLast


class Migration(StatementsLast):
    dependencies = [
        ("integrations", "0008_two_factor"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="adverse_action_url",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Where your people read what to do before they decide against somebody because of a report. It is linked where a result asks for a look.",
                max_length=500,
                validators=[integrations.models.organizations.validate_web_page],
                verbose_name="address of your adverse-action notes",
            ),
        ),
        migrations.AddField(
            model_name="organization",
            name="retention_days",
            field=models.PositiveIntegerField(
                db_default=730,
                default=integrations.models.organizations.default_retention_days,
                help_text="So many days after a check has ended, the candidate’s name, e-mail, links, result and all that was sent are erased; figures stay. A shorter time erases older checks within minutes, and nothing brings them back. A check under a legal hold is kept.",
                validators=[
                    django.core.validators.MinValueValidator(30),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="days until candidates’ data is erased",
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
                    ("erased", "erased"),
                ],
                max_length=20,
                verbose_name="did",
            ),
        ),
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_days__range", (30, 3650))), name="retention_days_in_range"
            ),
        ),
    ]
