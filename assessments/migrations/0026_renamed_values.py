"""Rename stored values and permissions with their models.

A group keeps what it grants: each permission keeps its row and takes the new code name. No lock is held for
long, and each step may be repeated.
"""

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

#: Old model name -> new model name; Django made ``view_update``, ``change_update``, ... for each.
MODELS = {
    "assessments": {
        "update": "ashbyupdate",
        "attempt": "callattempt",
        "inboundcall": "inboundrequest",
        "event": "orderevent",
        "noticechoice": "notificationpreference",
        "told": "notificationstate",
        "watchlimits": "stallthresholds",
        "difference": "discrepancy",
    },
    "integrations": {
        "errand": "connectionjob",
        "retiringverificationkey": "previousverificationkey",
        "auditevent": "auditlogentry",
    },
}
OTHERS = {"rescue_order": "resolve_unknown_placement", "forget_candidate": "erase_candidate"}
#: By the name of the model.
CONSTRAINTS = {"discrepancy": "a_difference_has_an_outcome", "notificationstate": "told_kind_known"}
OUTCOMES = {"mended": "resolved", "for_human": "needs_review"}


def codenames() -> list[tuple[str, str, str]]:
    """(app, old, new) of every permission that changes its name."""
    renamed = [
        (app, f"{verb}_{old}", f"{verb}_{new}")
        for app, models_ in MODELS.items()
        for old, new in models_.items()
        for verb in ("view", "add", "change", "delete")
    ]
    return [*renamed, *(("assessments", old, new) for old, new in OTHERS.items())]


def rename_permissions(apps: Any, schema_editor: Any) -> None:
    _rename_permissions(apps, codenames())


def restore_permissions(apps: Any, schema_editor: Any) -> None:
    _rename_permissions(apps, [(app, new, old) for app, old, new in codenames()])


def _rename_permissions(apps: Any, permissions: list[tuple[str, str, str]]) -> None:
    Permission = apps.get_model("auth", "Permission")
    for app, old, new in permissions:
        Permission.objects.filter(content_type__app_label=app, codename=old).update(codename=new)


def rename_values(apps: Any, schema_editor: Any) -> None:
    _rename_values(apps, OUTCOMES, ("human", "attention"))


def restore_values(apps: Any, schema_editor: Any) -> None:
    _rename_values(apps, {new: old for old, new in OUTCOMES.items()}, ("attention", "human"))


def _rename_values(apps: Any, outcomes: dict[str, str], kinds: tuple[str, str]) -> None:
    for old, new in outcomes.items():
        apps.get_model("assessments", "Discrepancy").objects.filter(outcome=old).update(outcome=new)
    apps.get_model("assessments", "NotificationState").objects.filter(kind=kinds[0]).update(kind=kinds[1])


def validate(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table, name in CONSTRAINTS.items():
            schema_editor.execute(f"ALTER TABLE assessments_{table} VALIDATE CONSTRAINT {name}")


def _drop(schema_editor: Any, model_name: str) -> None:
    schema_editor.execute(
        f"ALTER TABLE assessments_{model_name} DROP CONSTRAINT IF EXISTS {CONSTRAINTS[model_name]}"
    )


class _RemoveConstraint(migrations.RemoveConstraint):
    atomic = True

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            _drop(schema_editor, self.model_name)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class _AddConstraint(AddConstraintNotValid):
    """PostgreSQL validates the constraint afterwards, while others go on reading and writing."""

    atomic = True

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            migrations.AddConstraint.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            _drop(schema_editor, self.model_name)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("assessments", "0025_standard_terms"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(rename_permissions, restore_permissions, atomic=True),
        *(_RemoveConstraint(model_name, name) for model_name, name in CONSTRAINTS.items()),
        migrations.RunPython(rename_values, restore_values),
        _AddConstraint(
            "discrepancy",
            models.CheckConstraint(
                condition=models.Q(outcome__in=["resolved", "needs_review", "not_checked"]),
                name=CONSTRAINTS["discrepancy"],
            ),
        ),
        _AddConstraint(
            "notificationstate",
            models.CheckConstraint(
                condition=models.Q(kind__in=["connection", "attention", "digest"]),
                name=CONSTRAINTS["notificationstate"],
            ),
        ),
        migrations.RunPython(validate, migrations.RunPython.noop),
    ]
