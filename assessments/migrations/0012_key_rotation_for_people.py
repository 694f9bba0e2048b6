"""Operators and org admins see the verification keys that were replaced, and retire them."""

from typing import Any

from django.db import migrations

from assessments.role_grants import grant

CODENAMES = ("view_retiringverificationkey", "delete_retiringverificationkey")
ROLES = {name: CODENAMES for name in ("operator", "org admin")}


def grant_roles(apps: Any, schema_editor: Any) -> None:
    grant(apps, ROLES, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0011_audit_trail_for_people"),
        ("integrations", "0006_key_rotation"),
    ]

    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop)]
