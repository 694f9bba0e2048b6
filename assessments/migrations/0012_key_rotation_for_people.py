"""Operators and org admins see the verification keys that were replaced, and retire them."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ("operator", "org admin")
CODENAMES = ("view_retiringverificationkey", "delete_retiringverificationkey")


def grant(apps: Any, schema_editor: Any) -> None:
    # Django makes permissions after all migrations; they are needed here.
    config = apps.get_app_config("integrations")
    before = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ours = Permission.objects.filter(content_type__app_label="integrations", codename__in=CODENAMES)
    for name in ROLES:
        Group.objects.get_or_create(name=name)[0].permissions.add(*ours)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0011_audit_trail_for_people"),
        ("integrations", "0006_key_rotation"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
