"""allauth.usersessions lists the sessions. One that began before is not in the list, so everybody signs in once."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0013_unreadable_messages"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.DeleteModel(name="SessionsEnded"),
    ]
