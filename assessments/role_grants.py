"""The permissions of each role, and the one function that grants them.

A role is a Django group. Migrations call ``grant`` with the code names that they add; a database without
rows gets all of ``ROLES`` from ``grant_roles``.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS

#: The apps whose permissions a role can have.
APPS = ("admin", "auth", "integrations", "assessments")

#: Code names by role; ``None`` stands for every permission of ``APPS``.
Grants = Mapping[str, Collection[str] | None]


def _full(*models: str) -> set[str]:
    return {f"{verb}_{model}" for model in models for verb in ("view", "add", "change", "delete")}


_HANDLE_ORDERS = {
    *(f"view_{model}" for model in ("order", "ashbyupdate", "callattempt", "orderevent", "inboundrequest")),
    *(f"{action}_order" for action in ("retry", "poll", "resend", "cancel", "note", "resolve", "export")),
    *("view_organization", "view_auditlogentry", "view_erasurecertificate"),
    *("view_stallthresholds", "view_reconciliation", "reconcile"),
}
_MANAGE_ORGANIZATION = {
    *_full("ashbyapikey", "jobpackagemapping", "customfield", "membership", "stallthresholds"),
    *("view_previousverificationkey", "delete_previousverificationkey"),
    *("change_organization", "view_connection", "change_connection"),
    *("view_package", "change_package", "view_job", "add_job", "change_job"),
    *("hold_order", "erase_candidate"),
}
#: What each role may do in a new installation.
ROLES: dict[str, set[str]] = {
    "support": {*_HANDLE_ORDERS, "resolve_unknown_placement", "view_every_organization"},
    "org admin": {*_HANDLE_ORDERS, *_MANAGE_ORGANIZATION},
    "operator": {
        *_HANDLE_ORDERS,
        *_MANAGE_ORGANIZATION,
        *("resolve_unknown_placement", "view_every_organization"),
        *_full("logentry", "user", "group", "permission"),
        *_full("organization", "connection", "package", "job", "connectionjob"),
        *_full("order", "ashbyupdate", "callattempt", "orderevent", "inboundrequest", "heartbeat"),
    },
}


def grant_roles(apps: Any, using: str = DEFAULT_DB_ALIAS) -> None:
    grant(apps, ROLES, using)


def grant(apps: Any, grants: Grants, using: str = DEFAULT_DB_ALIAS) -> None:
    """Add the permissions to the groups; create both where they are missing.

    Idempotent. It never takes a permission away, so what an operator added to a group stays. ``apps`` is a
    migration's registry or Django's own. Code names of models that ``apps`` does not know are left out.
    """
    _create_permissions(apps, using)
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ours = permission_model.objects.using(using).filter(content_type__app_label__in=APPS)
    for role, codenames in grants.items():
        wanted = ours if codenames is None else ours.filter(codename__in=codenames)
        group_model.objects.using(using).get_or_create(name=role)[0].permissions.add(*wanted)


def _create_permissions(apps: Any, using: str) -> None:
    """Django creates permissions after the last migration, which is too late here."""
    for label in APPS:
        config = apps.get_app_config(label)
        # A migration's app has no module, and Django skips apps without one.
        before = getattr(config, "models_module", None)
        config.models_module = before or True
        create_permissions(config, apps=apps, verbosity=0, using=using)
        config.models_module = before
