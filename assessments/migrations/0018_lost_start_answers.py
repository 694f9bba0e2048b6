"""What makes a repeated start get its first answer after Ashby has lost it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assessments", "0017_who_cancelled")]

    operations = [
        migrations.AddField("order", "ashby_not_found_at", models.DateTimeField(null=True)),
        migrations.AddField("order", "answered_again_at", models.DateTimeField(null=True)),
    ]
