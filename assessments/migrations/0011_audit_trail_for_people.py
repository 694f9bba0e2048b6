"""Operators, support and org admins read the audit trail; nobody writes it."""

from typing import Any

from django.db import migrations

from assessments.role_grants import grant

ROLES = {name: ["view_auditevent"] for name in ("operator", "support", "org admin")}


def grant_roles(apps: Any, schema_editor: Any) -> None:
    grant(apps, ROLES, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0010_reconciliation_in_turns"),
        ("integrations", "0005_audit_trail"),
    ]

    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop)]
