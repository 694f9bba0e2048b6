"""What a member of one organization tries against another by forged forms, addresses and queries."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse

from assessments.models import Event, Order, Update
from integrations.models import AshbyApiKey, CustomField, Job, Membership, Package
from tests.admin.conftest import colleague
from tests.admin.tenants import Rows, client_of, person, rows_of_both
from tests.world import World


@pytest.fixture
def tenants(world: World) -> tuple[Rows, Rows]:
    """Acme's rows, and those of Globex, the stranger."""
    return rows_of_both(world)


def actions() -> list[tuple[str, str]]:
    request: Any = type("Request", (), {"GET": {}, "user": User(is_superuser=True, is_active=True)})()
    return [
        (f"{model._meta.app_label}_{model._meta.model_name}", action)
        for model, model_admin in admin.site._registry.items()
        for action in model_admin.get_actions(request)
        if model._meta.app_label in ("integrations", "assessments")
    ]


def state() -> list[Any]:
    """Everything that an action could change."""
    models = [Order, Update, Event, AshbyApiKey, CustomField, Job, Membership, Package]
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.parametrize("role", ["org admin", "member support"])
def test_no_action_reaches_another_organization(world: World, tenants: tuple[Rows, Rows], role: str) -> None:
    """Neither chosen by a forged form nor as one of all."""
    _, theirs = tenants
    user = person(world, role)
    client = client_of(user)
    Membership.objects.filter(organization=world.acme.organization).exclude(user=user).delete()
    # Nothing of Acme's own is there to be changed.
    Order.objects.filter(organization=world.acme.organization).update(next_call="", next_call_at=None)
    before = state()
    for name, action in actions():
        row = theirs.rows[name.partition("_")[2]]
        forged = {
            "action": action,
            "_selected_action": [str(row.pk)],
            "post": "yes",
            "apply": "1",
            "package": theirs.rows["package"].pk,
        }
        client.post(reverse(f"admin:{name}_changelist"), forged)
    assert state() == before


FORGED_QUERIES = [
    *("organization=globex", "organization__slug=globex", "package={package}", "job=Ghost-job", "q=Ghost"),
    *("organization__id__exact={organization}", "e=1", "o=1.2", "all=", "problem=placing", "user__email=gus"),
]


@pytest.mark.parametrize("role", ["org admin", "member support"])
@pytest.mark.parametrize("query", FORGED_QUERIES)
def test_no_query_shows_another_organization(
    world: World, tenants: tuple[Rows, Rows], role: str, query: str
) -> None:
    _, theirs = tenants
    client = client_of(person(world, role))
    query = query.format(package=theirs.rows["package"].pk, organization=world.globex.organization.pk)
    for name in theirs.rows:
        app = "integrations" if name in INTEGRATIONS else "assessments"
        url = reverse(f"admin:{app}_{name}_changelist")
        answer = client.get(f"{url}?{query}", follow=True)
        assert answer.status_code in (200, 400, 403), (name, query)
        page = answer.content.decode().replace("organization=globex", "").replace("slug=globex", "")
        for text in ("Globex", "Quill", "gus@", "Ghost check", "Ghost job<", "Ghost field", "Ghost Person"):
            assert text not in page, (name, query)


INTEGRATIONS = {
    *("organization", "connection", "ashbyapikey", "package", "job", "customfield", "membership"),
}


def test_no_choice_names_another_organization(world: World, tenants: tuple[Rows, Rows]) -> None:
    client = client_of(person(world, "org admin"))
    for field in ("job", "package", "organization", "user"):
        query = {
            "app_label": "integrations",
            "model_name": "jobpackagemapping",
            "field_name": field,
            "term": "G",
        }
        answer = client.get(reverse("admin:autocomplete"), query)
        assert "Ghost" not in answer.content.decode()
        assert "Globex" not in answer.content.decode()


def test_an_inline_row_of_another_organization_is_not_taken_over(
    world: World, tenants: tuple[Rows, Rows]
) -> None:
    own, theirs = tenants
    mapping = theirs.rows["job"].mapping
    forged = {
        "mapping-TOTAL_FORMS": 1,
        "mapping-INITIAL_FORMS": 1,
        "mapping-0-id": mapping.pk,
        "mapping-0-job": own.rows["job"].pk,
        "mapping-0-package": own.rows["package"].pk,
    }
    client = client_of(person(world, "org admin"))
    client.post(reverse("admin:integrations_job_change", args=[own.rows["job"].pk]), forged)
    mapping.refresh_from_db()
    assert mapping.job == theirs.rows["job"]
    assert mapping.package == world.globex.basic


def test_a_row_is_not_moved_into_another_organization(world: World, tenants: tuple[Rows, Rows]) -> None:
    own, _ = tenants
    client = client_of(person(world, "org admin"))
    globex = world.globex.organization.pk
    for name, given in (
        ("customfield", {"name": "Moved", "type": "String", "position": 0}),
        ("ashbyapikey", {"name": "Moved"}),
        ("membership", {"role": "org admin", "user": User.objects.get(username="gus").pk}),
    ):
        url = reverse(f"admin:integrations_{name}_change", args=[own.rows[name].pk])
        client.post(url, {**given, "organization": globex})
        own.rows[name].refresh_from_db()
        assert own.rows[name].organization == world.acme.organization
    for name in ("customfield", "ashbyapikey", "job"):
        before = world.globex.organization.custom_fields.count(), world.globex.organization.jobs.count()
        given = {
            "organization": globex,
            "name": "X",
            "type": "String",
            "position": 0,
            "key": "x-0123456789ab",
        }
        client.post(reverse(f"admin:integrations_{name}_add"), {**given, "ashby_id": "x", "title": "X"})
        assert before == (
            world.globex.organization.custom_fields.count(),
            world.globex.organization.jobs.count(),
        )


def test_inviting_an_operator_changes_nothing_about_them(world: World, tenants: tuple[Rows, Rows]) -> None:
    """They become a member as well; the answer is the same as for anybody."""
    olga = colleague("olga", "operator")
    client = client_of(person(world, "org admin"))
    given = {"organization": world.acme.organization.pk, "role": "support", "name": "Somebody Else"}
    pages = [
        client.post(reverse("admin:integrations_membership_add"), {**given, "email": email}, follow=True)
        for email in ("olga@example.com", "unknown@example.com")
    ]
    assert [page.redirect_chain[-1] for page in pages] == [pages[0].redirect_chain[-1]] * 2
    again = User.objects.get(pk=olga.pk)
    assert (again.first_name, again.username, again.is_superuser) == ("", "olga", False)
    assert Group.objects.get(name="operator") in again.groups.all()


def test_a_membership_that_ends_ends_at_once(world: World, tenants: tuple[Rows, Rows]) -> None:
    own, _ = tenants
    user = person(world, "org admin")
    client = client_of(user)
    page = reverse("admin:assessments_order_change", args=[own.order.pk])
    assert client.get(page).status_code == 200
    user.memberships.all().delete()
    assert client.get(page).status_code == 404
