"""One table says what each role may do; migrations and tests grant from it."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from assessments.role_grants import ROLES, grant, grant_roles

pytestmark = pytest.mark.django_db


def _granted() -> dict[str, set[str]]:
    return {
        group.name: set(group.permissions.order_by().values_list("codename", flat=True))
        for group in Group.objects.all()
    }


def test_the_migrations_grant_exactly_the_table() -> None:
    assert _granted() == ROLES


def test_granting_again_changes_nothing() -> None:
    grant_roles(apps)
    assert _granted() == ROLES


def test_an_empty_database_gets_every_role() -> None:
    Group.objects.all().delete()
    grant_roles(apps)
    assert _granted() == ROLES


def test_missing_permissions_are_created() -> None:
    Permission.objects.filter(codename="export_order").delete()
    grant_roles(apps)
    assert _granted() == ROLES


def test_what_an_operator_added_to_a_group_stays() -> None:
    added = Permission.objects.get(codename="view_session")
    Group.objects.get(name="support").permissions.add(added)
    grant_roles(apps)
    assert "view_session" in _granted()["support"]


def test_a_migration_grants_only_its_own_code_names() -> None:
    support = Group.objects.get(name="support")
    support.permissions.clear()
    grant(apps, {"support": ["view_order"]})
    assert _granted()["support"] == {"view_order"}
