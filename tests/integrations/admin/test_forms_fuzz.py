"""Whatever is posted to a form, or written behind an address of the admin: no 5xx, nothing of another
organization changes or is referred to, and what was stored is text when it is shown.

Each example is one valid form with a few fields replaced, doubled or left out, posted to one address of
the table of permissions, and undone. ``FUZZ_FORMS=20000`` tries that many in place of a few hundred.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection as database
from django.db.models import F, ForeignKey, Model
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.models import Organization
from tests.fixtures.admin_clicks import Browser, form, undone
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import TwoTenants, not_for, person
from tests.integrations.admin.permission_table import cells
from tests.integrations.admin.test_nothing_is_markup import Page

_EXAMPLES = int(os.environ.get("FUZZ_FORMS", settings.default.max_examples))
_often = settings(
    max_examples=_EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)

SCRIPT = '"><script>attack()</script><img src=x onerror=attack()>'
HARD = [
    *("", " ", "\x00", "a\x00b", "\x01\x1b[31m", "\r\nX: y", "\ud800", "\ufffe", "\u202e", "x" * 5000),
    *(SCRIPT, "javascript:attack()", "../../../etc/passwd", "..%2f..", "{{7*7}}", "=1+1", "' OR 1=1 --"),
    *("-1", "0", "0x1f", "1e400", "NaN", "Infinity", "9" * 18, "9" * 30, "9" * 5000, "1.5", "²", "٣", "1_0"),
    *("0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "25:61", "24:00:00"),
    *("true", "None", "null", "[]", '{"a": 1}', "on", "yes", "__all__", "pk", "id"),
    *("http://[", "https://[::1", "https://a b/", "https://exa\x00mple.test/", "https://" + "a" * 300),
    *("a@b", "a@" + "b" * 300, "é@é.test", "00000000-0000-0000-0000-000000000000"),
]
#: What Django's own views read of a form or an address, beside the fields.
DJANGOS = [
    *("action", "_selected_action", "select_across", "index", "apply", "post", "next"),
    *("_save", "_continue", "_addanother", "_saveasnew", "_popup", "_to_field", "_changelist_filters"),
    *("q", "o", "p", "all", "e", "id", "pk", "term", "status", "result", "problem", "started", "job"),
    *("_facets", "initial-key", "user", "status_after", "who", "what", "days", "from", "until"),
    *("mapping-0-id", "mapping-0-package", "mapping-0-job", "mapping-__prefix__-id", "memberships-0-id"),
    *("mapping-MIN_NUM_FORMS", "mapping-MAX_NUM_FORMS"),
]


@dataclass(frozen=True)
class Address:
    """Of the table: its group and line, and the action where it is one of a list's."""

    group: str
    about: str

    @property
    def action(self) -> str:
        return self.about.removeprefix("action ") if self.about.startswith("action ") else ""

    def path(self, company: Company) -> str:
        rest = "" if self.action or self.about == "." else self.about
        return company.path(("" if self.group == "the portal" else self.group) + rest)

    def chosen(self, company: Company) -> dict[str, Any]:
        row = company.rows[self.group.split("/")[1]] if self.action else None
        return {"action": self.action, "_selected_action": row.pk, "apply": "yes"} if row else {}


#: Where somebody who may do most gets a page or can change something.
ADDRESSES = [
    Address(*line) for line, wanted in sorted(cells().items()) if re.search("200|[+]", wanted["operator"][0])
]
FORMS = [each for each in ADDRESSES if "+" in cells()[each.group, each.about]["operator"][0]]


@dataclass
class Place:
    """Two companies and who tries: made once, for all examples of a test."""

    own: Company
    strange: Company
    people: dict[str, Browser]

    def ids(self) -> list[str]:
        """Of rows that exist; most are Globex's."""
        rows = [*self.strange.rows.values(), self.own.rows["user"], self.own.rows["delivered"]]
        return [*(str(row.pk) for row in rows), "globex", "JF-X-gus-1"]


@pytest.fixture
def place(two_tenants: TwoTenants) -> Place:
    people = {role: Browser(person(role, two_tenants.world)) for role in ("org_admin", "operator")}
    return Place(two_tenants.own, two_tenants.strange, people)


def changes(place: Place) -> st.SearchStrategy[dict[str, list[str]]]:
    """A few fields, each with no value, one, or several."""
    values = st.one_of(
        st.sampled_from(HARD), st.sampled_from(place.ids()), st.text(st.characters(), max_size=30)
    )
    names = st.sampled_from([*form(place.own), *DJANGOS])
    return st.dictionaries(names, st.lists(values, max_size=3), min_size=1, max_size=4)


@_often
@given(st.data())
def test_no_posted_form_causes_a_server_error(place: Place, data: st.DataObject) -> None:
    role = data.draw(st.sampled_from(["org_admin", "operator"]))
    address = data.draw(st.sampled_from(FORMS))
    fields = {**form(place.own), **address.chosen(place.own)}
    changed = data.draw(changes(place))
    path, client = address.path(place.own), place.people[role].client
    with undone(), _writing() as written:
        before = place.strange.state()
        answer = client.post(path, _encoded({**fields, **changed}), "application/x-www-form-urlencoded")
        assert answer.status_code < 500
        _is_text(answer, place, role)
        if written:
            assert mixed() == []
            assert role == "operator" or place.strange.state() == before
            _shown(address, place, role)


@_often
@given(st.data())
def test_no_query_string_causes_a_server_error(place: Place, data: st.DataObject) -> None:
    role = data.draw(st.sampled_from(["org_admin", "operator"]))
    address = data.draw(st.sampled_from([each for each in ADDRESSES if not each.action]))
    query = _encoded(data.draw(changes(place)))
    with undone():
        answer = place.people[role].client.get(f"{address.path(place.own)}?{query}")
        assert answer.status_code < 500
        _is_text(answer, place, role)


def test_every_address_is_tried() -> None:
    """The table names each (test_permission_table.py); here none of those with a form is left out."""
    assert len(FORMS) > 50
    assert {each.group for each in FORMS} >= {"integrations/connection/", "auth/user/", "assessments/order/"}


# --- How it is judged ----------------------------------------------------------------------------


def _encoded(fields: dict[str, Any]) -> bytes | str:
    """As a browser sends it; a lone surrogate as the bytes that somebody else would send."""
    pairs = [(name, one) for name, value in fields.items() for one in _values(value)]
    return urlencode(pairs, encoding="utf-8", errors="surrogatepass")


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_text(answer: Any, place: Place, role: str) -> None:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode()
    if "html" in answer.get("Content-Type", ""):
        assert Page(text).wrong == []
    if role == "org_admin":
        assert [name for name in not_for(role) if name in text] == []


def _shown(address: Address, place: Place, role: str) -> None:
    """What was stored, on the pages that show it."""
    client: Client = place.people[role].client
    group = "" if address.group == "the portal" else address.group
    for path in (
        place.own.path(group),
        place.own.path(f"{group}<path:object_id>/change/") if group else "/admin/",
    ):
        answer = client.get(path)
        assert answer.status_code < 500
        _is_text(answer, place, role)


@contextmanager
def _writing() -> Iterator[list[str]]:
    """The statements that change more than the session and the audit log."""
    written: list[str] = []

    def watch(execute: Any, sql: str, *arguments: Any) -> Any:
        is_bookkeeping = "session" in sql or "integrations_audit" in sql
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and not is_bookkeeping:
            written.append(sql)
        return execute(sql, *arguments)

    with database.execute_wrapper(watch):
        yield written


def mixed() -> list[str]:
    """References of one organization's rows to another's."""
    return [
        f"{model._meta.label}.{name}"
        for model, name, own, theirs in REFERENCES
        if model._base_manager.exclude(**{own: None})
        .exclude(**{theirs: None})
        .exclude(**{own: F(theirs)})
        .exists()
    ]


def _references() -> Iterator[tuple[type[Model], str, str, str]]:
    """Every reference between two models that both belong to organizations, with both ways there."""
    for model in apps.get_models():
        for field in model._meta.get_fields():
            own = _way_to_organization(model)
            if own and isinstance(field, ForeignKey) and field.related_model is not Organization:
                theirs = _way_to_organization(field.related_model)
                if theirs and own != f"{field.name}__{theirs}":
                    yield model, field.name, own, f"{field.name}__{theirs}"


def _way_to_organization(model: Any) -> str:
    names = {field.name for field in model._meta.get_fields() if isinstance(field, ForeignKey)}
    if "organization" in names:
        return "organization"
    return next((f"{name}__organization" for name in ("job", "order", "reconciliation") if name in names), "")


REFERENCES = list(_references())


def test_a_reference_to_a_stranger_would_be_seen(place: Place) -> None:
    """Else the fuzz would prove nothing."""
    assert mixed() == []
    mapping: Any = place.own.rows["mapping"]
    type(mapping).objects.filter(pk=mapping.pk).update(package=place.strange.tenant.basic)
    assert mixed() == ["integrations.JobPackageMapping.package"]
