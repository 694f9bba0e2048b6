"""For how many days completed orders are polled."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0009_retention"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="poll_days_after_completion",
            field=models.PositiveSmallIntegerField(
                blank=True,
                db_default=60,
                default=60,
                help_text="A result can change after a check is complete, for example after a dispute. Justifacts is asked about a completed check for this many days: every hour at first, later every three days. With 0, only a message from Justifacts or “Poll now” brings a changed result. Empty: 60.",
                validators=[django.core.validators.MaxValueValidator(365)],
                verbose_name="days for which completed checks are polled",
            ),
        ),
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=models.Q(("poll_days_after_completion__range", (0, 365))), name="poll_days_in_range"
            ),
        ),
    ]
