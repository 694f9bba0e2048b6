"""The three roles, as groups. What an operator has changed in a group of that name is added to, never
taken away."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("admin", "auth", "integrations", "assessments")
READ_ORDERS = ["view_order", "view_update", "view_attempt", "view_event", "view_inboundcall"]
HANDLE_ORDERS = [
    *("retry_order", "poll_order", "resend_order", "cancel_order", "note_order", "resolve_order"),
    "export_order",
]
ROLES = {
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


def make_roles(apps, schema_editor):
    # Django makes permissions after all migrations; they are needed here.
    for label in APPS:
        config = apps.get_app_config(label)
        before = getattr(config, "models_module", None)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
        config.models_module = before
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ours = Permission.objects.filter(content_type__app_label__in=APPS)
    Group.objects.get_or_create(name="operator")[0].permissions.add(*ours)
    for name, codenames in ROLES.items():
        Group.objects.get_or_create(name=name)[0].permissions.add(*ours.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("assessments", "0003_what_people_look_for"),
        ("integrations", "0002_people_and_errands"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
