"""The three roles, as groups. What an operator has changed in a group of that name is added to, never
taken away."""

from django.db import migrations

from assessments.role_grants import grant

READ_ORDERS = ["view_order", "view_update", "view_attempt", "view_event", "view_inboundcall"]
HANDLE_ORDERS = [
    *("retry_order", "poll_order", "resend_order", "cancel_order", "note_order", "resolve_order"),
    "export_order",
]
ROLES = {
    "operator": None,
    "support": ["view_every_organization", "view_organization", *READ_ORDERS, *HANDLE_ORDERS, "rescue_order"],
    "org admin": [
        *("view_organization", "view_connection", "change_connection"),
        *("view_package", "change_package", "view_job", "add_job", "change_job"),
        *(f"{verb}_ashbyapikey" for verb in ("view", "add", "change", "delete")),
        *(f"{verb}_jobpackagemapping" for verb in ("view", "add", "change", "delete")),
        *(f"{verb}_customfield" for verb in ("view", "add", "change", "delete")),
        *(f"{verb}_membership" for verb in ("view", "add", "change", "delete")),
        *READ_ORDERS,
        *HANDLE_ORDERS,
    ],
}


def grant_roles(apps, schema_editor):
    grant(apps, ROLES, schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0003_what_people_look_for"),
        ("integrations", "0002_people_and_errands"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(grant_roles, migrations.RunPython.noop)]
