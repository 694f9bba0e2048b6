"""Which servers an organization's reports may be at, to be opened by a click."""

from django.db import migrations, models

import integrations.http.urls


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0006_key_rotation"),
    ]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="report_hosts",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Only needed where Justifacts' reports are somewhere else than Justifacts: the names "
                "of those servers, one a line. The address of a report at any other server is shown, and is "
                "no link.",
                validators=[integrations.http.urls.validate_report_hosts],
                verbose_name="other servers of reports",
            ),
        ),
    ]
