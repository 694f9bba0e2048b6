"""Rename stored values and permissions with their models.

A group keeps what it grants: each permission keeps its row and takes the new code name.
"""

from typing import Any

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


def rename(
    apps: Any, permissions: list[tuple[str, str, str]], outcomes: dict[str, str], kinds: tuple[str, str]
) -> None:
    Permission = apps.get_model("auth", "Permission")
    for app, old, new in permissions:
        Permission.objects.filter(content_type__app_label=app, codename=old).update(codename=new)
    for old, new in outcomes.items():
        apps.get_model("assessments", "Discrepancy").objects.filter(outcome=old).update(outcome=new)
    apps.get_model("assessments", "NotificationState").objects.filter(kind=kinds[0]).update(kind=kinds[1])


def forwards(apps: Any, schema_editor: Any) -> None:
    rename(apps, codenames(), OUTCOMES, ("human", "attention"))


def backwards(apps: Any, schema_editor: Any) -> None:
    undone = [(app, new, old) for app, old, new in codenames()]
    rename(apps, undone, {new: old for old, new in OUTCOMES.items()}, ("attention", "human"))


class Migration(migrations.Migration):
    dependencies = [("assessments", "0025_standard_terms"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RemoveConstraint("discrepancy", "a_difference_has_an_outcome"),
        migrations.RemoveConstraint("notificationstate", "told_kind_known"),
        migrations.RunPython(forwards, backwards),
        migrations.AddConstraint(
            "discrepancy",
            models.CheckConstraint(
                condition=models.Q(outcome__in=["resolved", "needs_review", "not_checked"]),
                name="a_difference_has_an_outcome",
            ),
        ),
        migrations.AddConstraint(
            "notificationstate",
            models.CheckConstraint(
                condition=models.Q(kind__in=["connection", "attention", "digest"]), name="told_kind_known"
            ),
        ),
    ]
