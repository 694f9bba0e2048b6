"""The organization of an update, with which a sweep finds the due updates of each organization by an index.

Neither PostgreSQL nor SQLite writes the table here. Of the updates that are there, a sweep fills the column
of those that wait, some thousands at a time.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0016_secret_fingerprints"),
        ("assessments", "0030_lists_of_a_million"),
    ]

    operations = [
        migrations.AddField(
            model_name="ashbyupdate",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="integrations.organization",
            ),
        ),
    ]
