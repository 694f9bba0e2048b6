"""Every page and every action of the portal, visited as every role.

``PAGES`` says what each role is answered for an address of its own organization's; another
organization's row is 404 to whoever is limited to organizations, and nothing of it is named. An
address that is in no table fails the test: whoever adds a page decides who may see it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from assessments.models import Attempt, Event, Heartbeat, InboundCall, Order, Update
from integrations.catalogue import map_job
from integrations.models import AshbyApiKey, CustomField, Job, Membership, Package
from tests.admin.conftest import colleague, member
from tests.world import Tenant, World

ROLES = ("org admin", "member support", "support", "operator")

#: What is answered to ROLES, in that order, on the own organization's row.
PAGES = {
    "admin_password_reset": "200 200 200 200",
    "password_reset_done": "200 200 200 200",
    "password_reset_complete": "200 200 200 200",
    "my_notices": "200 200 200 200",
    "index": "200 200 200 200",
    "login": "302 302 302 302",
    "logout": "405 405 405 405",
    "password_change": "200 200 200 200",
    "password_change_done": "200 200 200 200",
    "autocomplete": "403 403 403 403",
    "jsi18n": "200 200 200 200",
    "auth_group_changelist": "403 403 403 200",
    "auth_group_add": "403 403 403 200",
    "integrations_connection_changelist": "200 403 403 200",
    "integrations_connection_add": "403 403 403 200",
    "integrations_connection_history": "200 404 404 200",
    "integrations_connection_delete": "403 404 404 403",
    "integrations_connection_change": "200 404 404 200",
    "integrations_customfield_changelist": "200 403 403 200",
    "integrations_customfield_add": "200 403 403 200",
    "integrations_customfield_history": "200 404 404 200",
    "integrations_customfield_delete": "200 404 404 200",
    "integrations_customfield_change": "200 404 404 200",
    "integrations_package_changelist": "200 403 403 200",
    "integrations_package_add": "403 403 403 403",
    "integrations_package_history": "200 404 404 200",
    "integrations_package_delete": "403 404 404 403",
    "integrations_package_change": "200 404 404 200",
    "integrations_job_changelist": "200 403 403 200",
    "integrations_job_add": "200 403 403 200",
    "integrations_job_history": "200 404 404 200",
    "integrations_job_delete": "403 404 404 403",
    "integrations_job_change": "200 404 404 200",
    "integrations_ashbyapikey_changelist": "200 403 403 200",
    "integrations_ashbyapikey_add": "200 403 403 200",
    "integrations_ashbyapikey_history": "200 404 404 200",
    "integrations_ashbyapikey_delete": "200 404 404 200",
    "integrations_ashbyapikey_change": "200 404 404 200",
    "integrations_organization_setup": "200 404 404 200",
    "integrations_organization_setup_live": "200 404 404 200",
    "integrations_organization_setup_save": "405 404 404 405",
    "integrations_organization_setup_use_key": "405 404 404 405",
    "integrations_organization_setup_ask": "405 404 404 405",
    "integrations_organization_changelist": "200 200 200 200",
    "integrations_organization_add": "403 403 403 200",
    "integrations_organization_history": "200 200 200 200",
    "integrations_organization_delete": "403 403 403 403",
    "integrations_organization_change": "200 200 200 200",
    "integrations_membership_changelist": "200 403 403 200",
    "integrations_membership_add": "200 403 403 200",
    "integrations_membership_history": "200 404 404 200",
    "integrations_membership_delete": "200 404 404 200",
    "integrations_membership_change": "200 404 404 200",
    "auth_user_changelist": "403 403 403 200",
    "auth_user_add": "403 403 403 200",
    "assessments_order_export": "200 200 200 200",
    "assessments_order_retry": "200 200 200 200",
    "assessments_order_poll": "200 200 200 200",
    "assessments_order_adopt": "403 200 200 200",
    "assessments_order_place_again": "403 200 200 200",
    "assessments_order_resolve": "200 200 200 200",
    "assessments_order_note": "200 200 200 200",
    "assessments_order_cancel": "200 200 200 200",
    "assessments_order_set_aside": "200 200 200 200",
    "assessments_order_resend": "200 200 200 200",
    "assessments_order_dry_run": "200 404 404 200",
    "assessments_order_changelist": "200 200 200 200",
    "assessments_order_add": "403 403 403 403",
    "assessments_order_history": "200 200 200 200",
    "assessments_order_delete": "403 403 403 403",
    "assessments_order_change": "200 200 200 200",
    "assessments_update_changelist": "200 200 200 200",
    "assessments_update_add": "403 403 403 403",
    "assessments_update_history": "200 200 200 200",
    "assessments_update_delete": "403 403 403 403",
    "assessments_update_change": "200 200 200 200",
    "assessments_attempt_changelist": "200 200 200 200",
    "assessments_attempt_add": "403 403 403 403",
    "assessments_attempt_history": "200 200 200 200",
    "assessments_attempt_delete": "403 403 403 403",
    "assessments_attempt_change": "200 200 200 200",
    "assessments_event_changelist": "200 200 200 200",
    "assessments_event_add": "403 403 403 403",
    "assessments_event_history": "200 200 200 200",
    "assessments_event_delete": "403 403 403 403",
    "assessments_event_change": "200 200 200 200",
    "assessments_inboundcall_changelist": "200 200 200 200",
    "assessments_inboundcall_add": "403 403 403 403",
    "assessments_inboundcall_history": "200 200 200 200",
    "assessments_inboundcall_delete": "403 403 403 403",
    "assessments_inboundcall_change": "200 200 200 200",
    "assessments_heartbeat_changelist": "403 403 403 200",
    "assessments_heartbeat_add": "403 403 403 403",
}
#: Addresses with an argument that is no organization's row: asked for in tests of their own.
ELSEWHERE = {
    *("password_reset_confirm", "view_on_site", "app_list"),
    *(f"auth_{model}_{page}" for model in ("user", "group") for page in ("history", "delete", "change")),
    "auth_user_password_change",
    *(f"assessments_heartbeat_{page}" for page in ("history", "delete", "change")),
}
STRANGERS_NAMES = ("Globex", "globex", "Quill", "gus@example.com", "Ghost check", "Ghost job", "Ghost field")


def addresses() -> Iterator[tuple[str, URLPattern]]:
    """Every address under /admin/, by its name."""

    def walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str, URLPattern]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                yield route, pattern.name or route, pattern

    for route, name, pattern in walk(get_resolver().url_patterns, ""):
        if route.startswith("admin/"):
            yield name, pattern


class Rows:
    """One row of everything for a tenant."""

    def __init__(self, world: World, tenant: Tenant, prefix: str) -> None:
        organization = tenant.organization
        body = world.start_body(
            assessment_type_id=str(tenant.basic.assessment_type_id),
            candidate={
                "ashby_id": prefix,
                "first_name": prefix,
                "last_name": "Person",
                "email": f"{prefix.lower()}@example.com",
            },
        )
        answer = world.call("/ashby/assessment.start", body, key=tenant.verification_key)
        self.order = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
        self.update = Update.objects.create(
            order=self.order, sequence=1, timestamp=1, payload={}, summary=f"{prefix} update"
        )
        job = map_job(organization, f"{prefix}-job", tenant.basic).job
        Job.objects.filter(pk=job.pk).update(title=f"{prefix} job")
        Package.objects.filter(pk=tenant.executive.pk).update(name=f"{prefix} check")
        self.rows = {
            "organization": organization,
            "connection": tenant.connection,
            "ashbyapikey": AshbyApiKey.objects.get(organization=organization),
            "package": tenant.executive,
            "job": job,
            "customfield": CustomField.objects.create(
                organization=organization, name=f"{prefix} field", type="String"
            ),
            "membership": Membership.objects.filter(organization=organization).latest("pk"),
            "order": self.order,
            "update": self.update,
            "attempt": Attempt.objects.create(order=self.order, call="place", outcome="taken"),
            "event": Event.objects.filter(order=self.order).first(),
            "inboundcall": InboundCall.objects.filter(organization=organization).first(),
        }

    def fill(self, name: str, pattern: URLPattern) -> dict[str, Any] | None:
        """The arguments of an address, with this tenant's rows; None where it is about none."""
        wanted = set(pattern.pattern.converters) | set(re.findall(r"\?P<(\w+)>", str(pattern.pattern)))
        if not wanted:
            return {}
        app, _, rest = name.partition("_")
        model = rest.partition("_")[0]
        if app not in ("integrations", "assessments") or model not in self.rows:
            return None
        values = {
            "object_id": self.rows[model].pk,
            "pk": self.order.organization_id if "dry_run" in name else self.rows[model].pk,
            "update_pk": self.update.pk,
            "step": "base-url",
            "kind": "test",
            "key": self.rows["ashbyapikey"].pk,
        }
        return {argument: values[argument] for argument in wanted}


@pytest.fixture
def tenants(world: World) -> tuple[Rows, Rows]:
    member("bea", world.acme.organization)
    member("gus", world.globex.organization)
    Heartbeat.beat("worker", timezone.now())
    return Rows(world, world.acme, "Own"), Rows(world, world.globex, "Ghost")


def person(world: World, role: str) -> User:
    if role == "org admin":
        return member("ada", world.acme.organization)
    if role == "member support":
        return member("max", world.acme.organization, "support")
    return colleague(f"pat-{role}", role)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address_of(name: str, arguments: dict[str, Any]) -> str:
    inside_the_admin = name not in ("my_notices",) and not name.startswith(("password_reset", "admin_"))
    return reverse(f"admin:{name}" if inside_the_admin else name, kwargs=arguments)


def test_every_address_is_in_a_table() -> None:
    # Django's own: the old form of a change page, and what answers 404 to anything else.
    names = {name for name, _pattern in addresses() if "<" not in name}
    assert names == PAGES.keys() | ELSEWHERE


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_answered_as_the_table_says(world: World, tenants: tuple[Rows, Rows], role: str) -> None:
    own, theirs = tenants
    client = client_of(person(world, role))
    is_limited = role in ("org admin", "member support")
    wrong = []
    for name, pattern in addresses():
        arguments = own.fill(name, pattern)
        if name not in PAGES or arguments is None:
            continue
        wanted = int(PAGES[name].split()[ROLES.index(role)])
        answer = client.get(address_of(name, arguments))
        if answer.status_code != wanted:
            wrong.append((name, answer.status_code, wanted))
        if is_limited and not answer.streaming:
            page = answer.content.decode()
            wrong += [(name, "names", text) for text in STRANGERS_NAMES if text in page]
        if arguments and is_limited:
            answer = client.get(address_of(name, theirs.fill(name, pattern) or {}))
            if answer.status_code != 404 or any(text in answer.content.decode() for text in STRANGERS_NAMES):
                wrong.append((name, "another organization's", answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("who", ["nobody", "visitor"])
def test_who_is_no_staff_sees_the_sign_in_only(
    world: World, tenants: tuple[Rows, Rows], client: Client, who: str
) -> None:
    if who == "visitor":
        client.force_login(User.objects.create_user("visitor", password="x"))
    own, _ = tenants
    for name, pattern in addresses():
        arguments = own.fill(name, pattern)
        if name not in PAGES or arguments is None or "password_reset" in name or name in ("login", "jsi18n"):
            continue
        answer = client.get(address_of(name, arguments))
        assert answer.status_code == 302, name
        assert "/login/" in answer.url or name == "logout", name


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
