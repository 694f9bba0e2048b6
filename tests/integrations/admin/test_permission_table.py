"""Every address and list action, GET and POST, as eight kinds of people, against the table.

The table of what they get is permission_table.py; test_strangers.py tries what is in no form.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from config.urls import renamed_model
from tests.fixtures.admin_clicks import Browser, form
from tests.fixtures.companies import Company
from tests.fixtures.two_tenants import OF_ORDERS, OF_SETTINGS, TwoTenants, not_for, person
from tests.integrations.admin.permission_table import COLUMNS, Cells, cells

THE_PORTAL = "the portal"
#: Nobody is signed in there yet.
OPEN_TO_ALL = ("password_reset/", "reset/", "login/", "logout/", "sso/", "two-factor/second-step/")
#: Django's own views, which read nothing of a posted form: a list without an action, a history.
ANSWER_POST_AS_GET = (".", "<path:object_id>/history/")
#: Django's own views, which refuse before they look at the method: one POST says what a GET would get too.
REFUSE_ANY_METHOD = ("add/", "<path:object_id>/delete/")
#: Django's redirect from a row to its page, the same for every row and every person of the staff.
REDIRECT = "<path:object_id>/"
SEE_EVERYTHING = ("support", "operator")
#: What any page may ask of the database, however many rows there are; an export adds a line to the trail of
#: each organization in it.
MOST_QUERIES = 40


def addresses(found: Any = None, before: str = "") -> Iterator[tuple[str, str]]:
    """Every address below /admin/, as the URL configuration has it: its group in the table, and the
    rest of it."""
    for each in found or get_resolver().url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, route)
        elif isinstance(each, URLPattern) and route.startswith("admin/") and not _is_redirect(each):
            yield _split(re.sub(r"\^?\(\?P(<\w+>)[^)]*\)|\$$", r"\1", route.removeprefix("admin/")))


def _is_redirect(pattern: URLPattern) -> bool:
    """``REDIRECT``, or an address of an earlier version, which redirects everybody to the new one."""
    is_old = pattern.callback is renamed_model or getattr(pattern.callback, "view_initkwargs", {}).get(
        "permanent", False
    )
    return is_old or str(pattern.pattern) == REDIRECT


def _split(route: str) -> tuple[str, str]:
    model = re.match(r"(auth|integrations|assessments)/\w+/", route)
    group = model[0] if model else ""
    return group or THE_PORTAL, route.removeprefix(group) or "."


def actions() -> Iterator[tuple[str, str]]:
    for model, model_admin in admin.site._registry.items():
        group = f"{model._meta.app_label}/{model._meta.model_name}/"
        for _function, name, _label in model_admin._get_base_actions():
            yield group, f"action {name}"


def test_every_address_and_action_is_in_the_table() -> None:
    """A new one says there who gets what."""
    assert sorted({*addresses(), *actions()}) == sorted(cells())


def test_a_role_that_sees_every_organization_gets_the_same_in_each() -> None:
    """So that one organization is enough to try what they get."""
    for line, wanted in cells().items():
        for role in SEE_EVERYTHING:
            own, strange = wanted[role]
            assert strange in (own, None), line


def tried(role: str, both: TwoTenants) -> Iterator[tuple[tuple[str, str], Company, str]]:
    """The lines of the table with the organization and the cell that say something about this role."""
    for line, wanted in cells().items():
        if role == "both" and not _distinguishes_roles(line, wanted):
            continue
        own, strange = wanted[role]
        # To add a row is refused before the form, and so the organization, is read.
        is_same_request = line[1] == "add/" and own == strange == "403"
        if strange and not is_same_request:
            yield line, both.strange, strange
        if own and not (strange and role in SEE_EVERYTHING and not is_same_request):
            yield line, both.own, own


def _distinguishes_roles(line: tuple[str, str], wanted: Cells) -> bool:
    """Whether it would show if a person with two roles had one of them in the other's organization. Lists
    show the rows of both."""
    return wanted["org_admin"][0] != wanted["helper"][0] or line[1] in (".", "export/")


def test_a_rows_address_redirects_to_its_page_whosever_row_it_is(two_tenants: TwoTenants) -> None:
    """It says nothing about the row, and the page decides."""
    ada, visitor = (Browser(person(role, two_tenants.world)) for role in ("org_admin", "visitor"))
    for group in {group for group, about in cells() if about == f"{REDIRECT}change/"}:
        path = two_tenants.strange.path(f"{group}{REDIRECT}")
        assert ada.asks(path).location == f"{path}change/"
        assert visitor.asks(path).leads_to == "/admin/login/"


@pytest.mark.parametrize("role", COLUMNS)
def test_each_role_gets_what_the_table_says(two_tenants: TwoTenants, role: str) -> None:
    browser = Browser(person(role, two_tenants.world))
    said = []
    for line, company, cell in tried(role, two_tenants):
        said += _differences(browser, role, line, company, cell)
    assert said == []


def test_a_superuser_gets_what_an_operator_gets(two_tenants: TwoTenants) -> None:
    """Every list, and nothing that an operator does not get. A superuser lacks no permission, so whatever
    else opens for an operator opens for them."""
    browser = Browser(person("superuser", two_tenants.world))
    for (group, about), company, cell in tried("operator", two_tenants):
        if not about.startswith("action ") and (about == "." or not cell.startswith("200")):
            assert str(browser.asks(company.path(_joined(group, about))).status) == cell[:3], about


@pytest.mark.parametrize("role", ["anonymous", "visitor"])
def test_a_person_who_is_not_staff_gets_only_the_sign_in_page(two_tenants: TwoTenants, role: str) -> None:
    company = two_tenants.own
    browser = Browser(person(role, two_tenants.world))
    for group, about in cells():
        if about.startswith("action "):
            answers = [_act(browser, group, about, company)]
        else:
            path = company.path(_joined(group, about))
            answers = [browser.asks(path), browser.posts(path, **form(company))]
        for answer in answers:
            is_open = about.startswith(OPEN_TO_ALL)
            assert is_open or (answer.status, answer.leads_to) == (302, "/admin/login/"), about
            assert not answer.changed, about
            assert not answer.names([*OF_ORDERS, *OF_SETTINGS, "Acme", "Zoë"]), about


def _joined(group: str, about: str) -> str:
    return ("" if group == THE_PORTAL else group) + ("" if about == "." else about)


def _differences(
    browser: Browser, role: str, line: tuple[str, str], company: Company, cell: str
) -> list[str]:
    """What is not as the table says, in words."""
    (group, about), secret = line, not_for(role)
    what = f"{group} {about} with {company.organization}'s row"
    if about.startswith("action "):
        answer = _act(browser, group, about, company)
        got = "+" if answer.changed else "-"
        named = answer.names(secret)
    else:
        path = company.path(_joined(group, about))
        is_refused = cell in ("403", "404") and about in REFUSE_ANY_METHOD
        # As the first role, every view that finds no row is also asked by GET.
        is_refused |= cell == "404" and role != COLUMNS[0] and group != THE_PORTAL
        seen = browser.posts(path, **form(company)) if is_refused else browser.asks(path)
        is_enough = is_refused or about in ANSWER_POST_AS_GET
        posted = seen if is_enough else browser.posts(path, **form(company))
        got = f"{seen.status}{'*' if seen.changed else ''}{'+' if posted.changed else ''}"
        named = seen.names(secret) + posted.names(secret)
        if seen.queries > MOST_QUERIES:
            return [f"{what}: {seen.queries} queries"]
        if seen.status in (403, 404) and posted.status not in (seen.status, 405):
            return [f"{what}: a POST is answered {posted.status}, a GET {seen.status}"]
    if got != cell:
        return [f"{what}: {got} instead of {cell}"]
    return [f"{what}: names {named}"] if named else []


def _act(browser: Browser, group: str, about: str, company: Company) -> Any:
    row = company.rows[group.split("/")[1]]
    asked = {"action": about.removeprefix("action "), "_selected_action": [row.pk], "apply": "yes"}
    return browser.posts(f"/admin/{group}", **form(company), **asked)
