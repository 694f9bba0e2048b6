"""Nothing of one organization reaches another: what there is, counted, so that nothing new is forgotten.

Isolation is one mechanism at each edge: ``OfOrganizations`` for people, the verification key for Ashby and
Justifacts. What they give is tried address by address in admin/test_permission_table.py and with forged
requests in admin/test_strangers.py; here every model, address, export and call, and
in test_tenants_completions.py every completion, is found, and has to be under one of them or to say why it is
not (commands: commands/test_tenants.py).
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model
from django.urls import URLResolver, get_resolver

from assessments.models import InboundRequest, Order
from integrations.admin.base import TenantModelAdmin
from integrations.models import Organization
from tests.fixtures.admin_clicks import Browser
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import OF_ORDERS, OF_SETTINGS, TwoTenants, person
from tests.fixtures.world import World
from tests.integrations.admin.permission_table import cells

#: Models with an organization and without a page of their own, and what keeps them apart.
WITHOUT_A_PAGE = {
    "integrations.JobPackageMapping": "a form inside its job's page, which is the organization's",
    "integrations.ConnectionJob": "shown on the set-up page, which is the organization's",
    "assessments.CandidateSearchTerm": "hashes that are only compared with, on orders that somebody may see",
    "assessments.NotificationState": "never shown but to the person, through audience.troubles_for()",
    "assessments.Discrepancy": "a line inside its reconciliation's page, which is the organization's",
}
#: Addresses outside the admin: what is there, or how it finds the organization.
NOTHING_OF_ANY = "nothing of any organization"
BY_KEY = "the verification key says whose it is"
BY_THE_ADMIN = "leads to a page of the admin, which says who may"
OUTSIDE = {
    "": BY_THE_ADMIN,
    "orders/<uuid:object_id>/": BY_THE_ADMIN,
    "health/live": NOTHING_OF_ANY,
    "health/ready": NOTHING_OF_ANY,
    "health/status": NOTHING_OF_ANY,
    "metrics": NOTHING_OF_ANY,
    "api/schema/": NOTHING_OF_ANY,
    "api/docs/": NOTHING_OF_ANY,
    "ashby/assessment.list": BY_KEY,
    "ashby/assessment.start": BY_KEY,
    "ashby/assessment.cancel": BY_KEY,
    "ashby/assessment.customField.list": BY_KEY,
    "justifacts/assessment.update": BY_KEY,
    r"^/*ashby/+assessment\.list/*$": BY_KEY,
    r"^/*ashby/+assessment\.start/*$": BY_KEY,
    r"^/*ashby/+assessment\.cancel/*$": BY_KEY,
    r"^/*ashby/+assessment\.customField\.list/*$": BY_KEY,
    r"^/*ashby/+customField\.list/*$": BY_KEY,
    r"^/*ashby/+customFields\.fetch/*$": BY_KEY,
    r"^/*justifacts/+assessment\.update/*$": BY_KEY,
    r"^/*(?:ashby|justifacts)(?:/[\s\S]*)?$": NOTHING_OF_ANY,
}
EXPORTS = {"assessments_order_export", "integrations_auditlogentry_export"}

STRANGERS = ["anonymous", "org_admin", "helper"]  # They have no access to Globex.
WORDS = [*OF_ORDERS, *OF_SETTINGS]


@pytest.fixture
def world(two_tenants: TwoTenants) -> World:
    return two_tenants.world


# --- Models ------------------------------------------------------------------------------------


def belongs_to(model: type[Model], path: str) -> bool:
    """Whether the path of fields leads from the model to its organization."""
    if path == "pk":
        return model is Organization
    for name in path.split("__"):
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        if not isinstance(field, ForeignKey):
            return False
        model = field.related_model
    return model is Organization


def of_an_organization() -> Iterator[type[Model]]:
    """Every model from which some path of references leads to an organization."""
    found: set[type[Model]] = {Organization}
    models = set(apps.get_models(include_auto_created=True))
    while more := {model for model in models - found if any(to in found for to in referred(model))}:
        found |= more
    yield from sorted(found, key=lambda model: model._meta.label)


def referred(model: type[Model]) -> Iterator[Any]:
    for field in model._meta.get_fields():
        if isinstance(field, ForeignKey):
            yield field.related_model


@pytest.mark.parametrize("model", [*of_an_organization()], ids=lambda model: model._meta.label)
def test_every_model_of_an_organization_is_shown_by_the_one_mechanism(model: type[Model]) -> None:
    model_admin: Any = admin.site._registry.get(model)
    if model_admin is None:
        assert model._meta.label in WITHOUT_A_PAGE, (
            f"{model._meta.label} belongs to an organization. Register it with an OfOrganizations admin, or "
            "say in WITHOUT_A_PAGE what keeps its rows apart."
        )
        return
    assert model._meta.label not in WITHOUT_A_PAGE, f"{model._meta.label} has a page now: take it out."
    assert isinstance(model_admin, TenantModelAdmin), (
        f"{model._meta.label} belongs to an organization, so its admin has to be an OfOrganizations."
    )
    assert belongs_to(model, model_admin.organization_path), (
        f"{type(model_admin).__name__}.organization_path does not lead to the organization."
    )


def test_no_reason_is_given_for_a_model_that_is_gone() -> None:
    assert set(WITHOUT_A_PAGE) <= {model._meta.label for model in of_an_organization()}


# --- Addresses ---------------------------------------------------------------------------------


def routes(found: Any = None, before: str = "") -> Iterator[str]:
    for each in found or get_resolver().url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        else:
            yield route


def test_every_address_outside_the_admin_says_whose_it_is() -> None:
    outside = {route for route in routes() if not route.startswith(("admin/", "^admin/"))}
    assert outside == set(OUTSIDE), (
        "A new address: say in OUTSIDE how it finds the organization; one of the admin goes into "
        "tests/integrations/admin/permission_table.py."
    )


def test_every_address_about_a_row_of_an_organization_is_tried_with_a_strangers() -> None:
    """The right half of the permission table; test_permission_table.py asks each."""
    of_models = {
        f"{model._meta.app_label}/{model._meta.model_name}/"
        for model in of_an_organization()
        if model in admin.site._registry
    }
    lists = {".", "export/", "now/", "erase/"}
    for (group, about), roles in cells().items():
        for role in ("org_admin", "helper"):
            strangers = roles[role][1]
            if group not in of_models or about in lists:
                continue
            assert strangers, f"{group}{about} needs a right half in the permission table: a stranger's row."
            # To add one, a form opens; its choices are tried by test_strangers.py.
            allowed = {"-", "302", "403", "404"} | ({"200"} if about == "add/" else set())
            assert strangers in allowed, f"{group}{about}: {role} of Acme gets {strangers} for Globex's row."


@pytest.mark.parametrize("role", STRANGERS)
def test_nothing_outside_the_admin_names_a_stranger(
    world: World, own: Company, strange: Company, role: str
) -> None:
    browser = Browser(person(role, world))
    for route in OUTSIDE:
        if not route.startswith("^"):
            path = "/" + route.replace("<uuid:object_id>", str(strange.rows["order"].pk))
            for answer in (browser.asks(path), browser.posts(path)):
                assert answer.status < 500 or route == "health/status", path
                assert not answer.names(WORDS), path
                assert not answer.changed or OUTSIDE[route] == BY_KEY, path


@pytest.mark.parametrize("role", STRANGERS)
def test_the_address_of_a_strangers_order_leads_to_no_order(
    world: World, own: Company, strange: Company, role: str
) -> None:
    """As the address of an order that there is not."""
    browser = Browser(person(role, world))
    answers = []
    for pk in (strange.rows["order"].pk, uuid.uuid4()):
        followed = browser.client.get(f"/orders/{pk}/", follow=True)
        page = re.sub(str(pk), "", followed.content.decode())
        answers.append((followed.status_code, re.sub(r'(?:csrf\w*|nonce)[^>]*"', "", page)))
    assert answers[0] == answers[1]
    assert not [each for each in WORDS if each in answers[0][1]]


# --- Exports -----------------------------------------------------------------------------------


def exports() -> Iterator[tuple[str, str]]:
    """By the names of the addresses, as integrations/audit/middleware.py finds them."""
    for model, model_admin in admin.site._registry.items():
        for pattern in model_admin.get_urls():
            if (pattern.name or "").endswith("_export"):
                group = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
                yield str(pattern.name), group + str(pattern.pattern)


def test_every_export_is_tried() -> None:
    assert {name for name, _path in exports()} == EXPORTS, "A new export: name it in EXPORTS."


@pytest.mark.parametrize("role", STRANGERS)
def test_no_export_holds_a_strangers_row(world: World, own: Company, strange: Company, role: str) -> None:
    browser = Browser(person(role, world))
    order = strange.rows["order"].pk
    for _name, path in exports():
        for query in (
            {},
            {"all": ""},
            {"q": "gus"},
            {"q": str(order)},
            {"object_id": str(order)},
            {"organization": "globex"},
            {"organization__slug": "globex"},
            {"organization__id__exact": strange.organization.pk},
            {"order__organization__id__exact": strange.organization.pk},
        ):
            assert not browser.asks(path, **query).names([*WORDS, str(order)]), (path, query)


# --- Calls of Ashby and Justifacts -------------------------------------------------------------


def calls(company: Company | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each call that names something, with what is this company's; or with what is nobody's."""
    order = str(company.rows["order"].pk if company else uuid.uuid4())
    number = Order.objects.get(pk=order).justifacts_order_id if company else "JF-0"
    kind = company.tenant.basic.assessment_type_id if company else uuid.uuid4()
    for_job = company.tenant.connection.job_package_type_id if company else uuid.uuid4()
    status = {"assessment_status": "Complete", "assessment_result": "Adverse"}
    yield "ashby/assessment.start", {"assessment_type_id": str(kind)}
    yield "ashby/assessment.start", {"assessment_type_id": str(for_job)}
    yield "ashby/assessment.cancel", {"assessment_id": order}
    yield "justifacts/assessment.update", {"assessment_id": order, **status}
    yield "justifacts/assessment.update", {"assessment_id": number, **status}
    yield "justifacts/assessment.update", {"assessment_id": "JF-0", "reference_id": order, **status}
    yield "justifacts/assessment.update", {"assessment_id": number, "reference_id": order, **status}


def test_every_call_that_names_something_is_tried_with_a_strangers() -> None:
    named = {name for name, _body in calls(None)}
    nothing_named = {"ashby/assessment.list", "ashby/assessment.customField.list"}
    described = {route for route, how in OUTSIDE.items() if how == BY_KEY and not route.startswith("^")}
    assert named | nothing_named == described, "A new call: try it in calls() with a stranger's ids."


def test_a_strangers_ids_are_as_unknown_as_any(world: World, own: Company, strange: Company) -> None:
    """Same status, same words, nothing changed, and no trace of it among the stranger's calls."""
    before, written = strange.state(), world.row_counts()
    theirs = InboundRequest.objects.filter(organization=strange.organization).count()
    for (path, strangers), (_path, nobodys) in zip(calls(strange), calls(None), strict=True):
        answers = [
            world.call(f"/{path}", {**world.start_body(), **body} if path.endswith("start") else body)
            for body in (strangers, nobodys)
        ]
        said = [_without_ids(answer.content.decode()) for answer in answers]
        assert answers[0].status_code == answers[1].status_code, strangers
        assert 400 <= answers[0].status_code < 500, strangers
        assert said[0] == said[1], strangers
        assert not [each for each in WORDS if each in said[0]], strangers
    assert (strange.state(), world.row_counts()) == (before, written)
    assert InboundRequest.objects.filter(organization=strange.organization).count() == theirs


def test_what_is_listed_is_ones_own(world: World, own: Company, strange: Company) -> None:
    for name in ("assessment.list", "assessment.customField.list", "customField.list", "customFields.fetch"):
        answer = world.call(f"/ashby/{name}", {}).content.decode()
        assert not [each for each in [*WORDS, str(strange.tenant.basic.assessment_type_id)] if each in answer]


def _without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|JF-[\w-]+|\"requestId\": ?\"[^\"]+\"", "…", text)
