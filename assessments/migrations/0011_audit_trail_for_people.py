"""Operators, support and org admins read the audit trail; nobody writes it."""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ("operator", "support", "org admin")


def grant(apps: Any, schema_editor: Any) -> None:
    # Django makes permissions after all migrations; they are needed here.
    config = apps.get_app_config("integrations")
    before = getattr(config, "models_module", None)
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    view = Permission.objects.get(content_type__app_label="integrations", codename="view_auditevent")
    for name in ROLES:
        Group.objects.get_or_create(name=name)[0].permissions.add(view)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0010_reconciliation_in_turns"),
        ("integrations", "0005_audit_trail"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
