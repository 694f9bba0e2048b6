"""What an attacker from Acme tries against Globex, beyond what any form or link offers them."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignKey

from assessments.admin.private_search import sealed
from tests.fixtures.admin_clicks import Browser
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import TwoTenants, not_for, person
from tests.fixtures.world import World
from tests.integrations.admin.permission_table import cells

LISTS = [
    *(f"integrations/{name}/" for name in ("organization", "connection", "ashbyapikey", "package", "job")),
    *("integrations/customfield/", "integrations/membership/", "assessments/order/"),
    *(f"assessments/{name}/" for name in ("ashbyupdate", "callattempt", "orderevent", "inboundrequest")),
    "assessments/order/export/",
]

#: Parts of a query that Django reads itself, in every list alike; and those lists on which it is tried.
DJANGOS = {"o", "all", "p", "_facets", "_popup", "_to_field", "_changelist_filters", "nonsense"}
TRIED_WITH_DJANGOS = ("integrations/package/", "assessments/order/", "assessments/order/export/")


@pytest.fixture
def world(two_tenants: TwoTenants) -> World:
    return two_tenants.world


@pytest.fixture
def ada(own: Company, strange: Company, world: World) -> Browser:
    """Org admin of Acme, with every row of Globex's to aim at."""
    return Browser(person("org_admin", world))


def queries(strange: Company) -> list[dict[str, Any]]:
    """What can be written behind the question mark of a list."""
    organization, package = strange.organization.pk, strange.rows["package"].pk
    order, user = strange.rows["order"].pk, strange.rows["user"].pk
    return [
        {"organization": "globex"},
        {"organization__id__exact": organization},
        {"organization": "globex", "package": package},
        {"organization__slug": "globex"},
        {"organization__name__startswith": "Glo"},
        {"organization__connection__verification_key__startswith": "g"},
        {"order__organization__id__exact": organization},
        {"order__id__exact": order},
        {"order": order},
        {"package": package},
        {"package__name": "Deep"},
        {"package": "9" * 30},
        {"package": "9" * 5000},
        {"job": "j-gus"},
        {"job_id": "j-gus"},
        {"candidate_last_name": "Strange"},
        {"candidate_last_name__startswith": "Strange"},
        {"user__email": "gus@example.org"},
        {"user__id__exact": user},
        {"user__password__startswith": "pbkdf2"},  # nosec B105 # what every stored password begins with
        {"verification_key__startswith": "gAAAA"},
        {"key_index__startswith": "a"},
        {"key__startswith": "gAAAA"},
        {"status": "received", "result": "other", "problem": "attention", "started": "today"},
        # A word of a candidate's, and a letter that is in every other text.
        {"q": "strangeman"},
        {"q": "e"},
        {"q": str(order)},
        {"q": str(order)[:8]},
        {"q": "sealed:nonsense"},
        {"o": "1.-2.3.4.5.6.7.8.9", "all": ""},
        {"p": "9", "_facets": "True"},
        {"_popup": "1", "_to_field": "id"},
        {"_popup": "1", "_to_field": "organization__slug"},
        {"_changelist_filters": "organization=globex"},
        {"nonsense": "nonsense"},
        {"id__gt": "nonsense"},
    ]


def model_of(path: str) -> Any:
    return apps.get_model(*path.split("/")[:2])


FIELDS = {field.name for path in LISTS for field in model_of(path)._meta.get_fields()}


def is_nonsense(path: str, query: dict[str, Any]) -> bool:
    """Whether the query names a field of other models: every list answers that as it does ``nonsense``."""
    own = {field.name for field in model_of(path)._meta.get_fields()} | {"organization"}
    return any(name.split("__")[0] in FIELDS - own for name in query)


def titles(page: str) -> list[str]:
    return re.findall(r"<title>.*?</title>|<h1>.*?</h1>", page)


class TestLists:
    def test_no_query_brings_a_strangers_row(self, ada: Browser, strange: Company) -> None:
        for path, query in product(LISTS, queries(strange)):
            if is_nonsense(path, query) or (set(query) <= DJANGOS and path not in TRIED_WITH_DJANGOS):
                continue
            answer = ada.asks(f"/admin/{path}", **query)
            assert answer.status in (200, 302, 400), (path, query)
            assert not answer.names(not_for("org_admin")), (path, query)

    @pytest.mark.parametrize("name", ["organization", "status", "id", "job_id"])
    def test_a_query_that_no_database_takes_is_answered_by_the_list(self, ada: Browser, name: str) -> None:
        for path in LISTS:
            answer = ada.asks(f"/admin/{path}", **{name: "a\x00b"})
            assert (answer.status, answer.location.endswith("?e=1")) == (302, True), path

    def test_a_field_without_a_name_leads_to_the_row_all_the_same(self, ada: Browser, own: Company) -> None:
        for path in LISTS[:-1]:
            page = own.path(f"{path}<path:object_id>/change/")
            plain, asked = ada.asks(page), ada.asks(page, _to_field="")
            assert (asked.status, titles(asked.page)) == (200, titles(plain.page)), page

    @pytest.mark.parametrize("chosen", ["", "nonsense", "9" * 30, "9" * 5000, "²", "\x00"])
    def test_a_value_that_is_no_primary_key_selects_no_row(self, ada: Browser, chosen: str) -> None:
        """One action of each list is enough: the list refuses the value before it calls the action."""
        actions = {
            group: about.removeprefix("action ")
            for (group, about), wanted in cells().items()
            if about.startswith("action ") and wanted["org_admin"][0] == "+"
        }
        assert len(actions) > 5
        for group, action in actions.items():
            answer = ada.posts(f"/admin/{group}", action=action, _selected_action=[chosen])
            assert answer.status in (200, 302), group
            assert not answer.changed, group

    @pytest.mark.parametrize("query", [{"organization": "globex"}, {"package": "77777"}, {"job": "j-gus"}])
    def test_a_filter_that_is_not_offered_filters_all_the_same(self, ada: Browser, query: Any) -> None:
        """A file would otherwise hold more than was asked for."""
        assert "Zoë" in ada.asks("/admin/assessments/order/").page
        assert "Zoë" not in ada.asks("/admin/assessments/order/", **query).page
        assert "Zoë" not in ada.asks("/admin/assessments/order/export/", **query).page

    def test_the_search_box_reads_out_no_stored_key(self, ada: Browser, own: Company) -> None:
        """To who has a copy of the database, and so the key as it is encrypted."""
        stored = own.organization.ashby_api_keys.get().key.encrypted()
        for text in (f"sealed:{stored}", sealed("search:") + stored):
            assert own.tenant.ashby_key not in ada.asks("/admin/assessments/order/", q=text).page
        assert 'value="zoe@x.test"' in ada.asks("/admin/assessments/order/", q=sealed("zoe@x.test")).page


def references() -> Iterator[dict[str, str]]:
    """Every choice that Django could complete while somebody types."""
    for model in admin.site._registry:
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey):
                named = {"app_label": model._meta.app_label, "model_name": str(model._meta.model_name)}
                yield {**named, "field_name": field.name}


class TestSideDoors:
    def test_no_completion_offers_a_stranger(self, ada: Browser, strange: Company) -> None:
        """accounts/test_tenants.py tries one word as a support member too, who may see less."""
        for reference, term in product(references(), ("", "g", "strange")):
            answer = ada.asks("/admin/autocomplete/", term=term, **reference)
            assert answer.status in (200, 403, 404), reference
            assert not answer.names(not_for("org_admin")), reference

    def test_a_shortcut_leads_to_nothing(self, ada: Browser, own: Company, strange: Company) -> None:
        for company in (own, strange):
            for row in company.rows.values():
                kind = ContentType.objects.get_for_model(row).pk
                assert ada.asks(f"/admin/r/{kind}/{row.pk}/").status == 404

    @pytest.mark.parametrize(
        "query", [{"_popup": "1"}, {"_to_field": "id"}, {"_popup": "1", "_to_field": "id"}]
    )
    def test_a_popup_shows_no_more_than_a_page(self, ada: Browser, strange: Company, query: Any) -> None:
        for kind in ("ashbyapikey", "connection", "job", "membership", "organization", "package"):
            path = f"/admin/integrations/{kind}/{strange.rows[kind].pk}/change/"
            assert ada.asks(path, **query).status == 404

    def test_no_row_is_found_by_a_secret(self, ada: Browser, own: Company) -> None:
        """Which would say whether a guess of it is right."""
        index = own.organization.ashby_api_keys.get().key_index
        path = f"/admin/integrations/ashbyapikey/{index}/change/"
        assert ada.asks(path, _to_field="key_index").status == 400

    def test_rows_of_two_organizations_do_not_mix(self, ada: Browser, own: Company, strange: Company) -> None:
        order, organization = own.rows["order"].pk, own.organization.pk
        for action in ("resend", "skip"):
            path = f"/admin/assessments/order/{order}/updates/{strange.rows['ashbyupdate'].pk}/{action}/"
            assert ada.posts(path, reason="x").status == 404
        key = strange.rows["ashbyapikey"].pk
        assert (
            ada.posts(f"/admin/integrations/organization/{organization}/setup/use-key/{key}/").status == 404
        )

    def test_nobody_learns_which_people_there_are(self, ada: Browser, strange: Company) -> None:
        for pk in (strange.rows["user"].pk, 999999):
            for page in ("change", "history", "delete", "password"):
                assert ada.asks(f"/admin/auth/user/{pk}/{page}/").status == 403
