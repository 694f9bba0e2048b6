"""No completion of a field, whatever is asked of it, offers a row of another organization."""

from collections.abc import Iterable, Iterator

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model

from tests.fixtures.admin_clicks import Browser
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import OF_ORDERS, OF_SETTINGS, TwoTenants, person
from tests.fixtures.world import World

STRANGERS = ["anonymous", "org_admin", "helper"]  # They have no access to Globex.


WORDS = [*OF_ORDERS, *OF_SETTINGS]


@pytest.fixture
def world(two_tenants: TwoTenants) -> World:
    return two_tenants.world


def completions(models: Iterable[type[Model]]) -> Iterator[dict[str, str]]:
    """Every reference of the models, whether or not anything completes it, and a field that is none; and
    nonsense."""
    for model in models:
        fields = model._meta.get_fields(include_hidden=True)
        for field in [*(field for field in fields if field.is_relation), model._meta.pk]:
            yield {
                "app_label": model._meta.app_label,
                "model_name": str(model._meta.model_name),
                "field_name": field.name,
            }
    connection = {"app_label": "integrations", "model_name": "connection"}
    yield {**connection, "field_name": "organization__connection"}
    yield {"app_label": "nonsense", "model_name": "x", "field_name": "y"}
    yield {}


@pytest.mark.parametrize("role", STRANGERS)
def test_no_completion_of_any_field_offers_a_stranger(
    world: World, own: Company, strange: Company, role: str
) -> None:
    """admin/test_strangers.py tries more words with those that forms use. A model without a page is refused
    to all roles alike."""
    browser = Browser(person(role, world))
    models = apps.get_models(include_auto_created=True) if role == "org_admin" else admin.site._registry
    for reference in completions(models):
        answer = browser.asks("/admin/autocomplete/", term="g", **reference)
        assert answer.status in (200, 302, 403, 404), reference
        assert not answer.names(WORDS), reference


@pytest.mark.parametrize(
    "term",
    [
        *("", "Globex", "gus@example.com", "'", '"', "%", "_", "\u202e", "x" * 5000),
        *(pytest.param(term, marks=pytest.mark.anywhere) for term in ("a\x00b", "\\")),
    ],
)
def test_no_search_term_makes_a_completion_offer_a_stranger(
    world: World, own: Company, strange: Company, term: str
) -> None:
    browser = Browser(person("org_admin", world))
    for model, field in (("connection", "organization"), ("membership", "user"), ("job", "organization")):
        answer = browser.asks(
            "/admin/autocomplete/", term=term, app_label="integrations", model_name=model, field_name=field
        )
        assert answer.status in (200, 403)
        assert not answer.names(WORDS)
