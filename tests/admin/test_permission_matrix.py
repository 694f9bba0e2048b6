"""Every page and every action of the portal, visited as every role.

``PAGES`` says what each role is answered for an address of its own organization's; another
organization's row is 404 to whoever is limited to organizations, and nothing of it is named. An
address that is in no table fails the test: whoever adds a page decides who may see it.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.tenants import ROLES, STRANGERS_NAMES, Rows, addresses, client_of, person, rows_of_both
from tests.world import World

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
    "assessments_watchlimits_changelist": "200 200 200 200",
    "assessments_watchlimits_add": "200 403 403 200",
    "assessments_watchlimits_history": "200 200 200 200",
    "assessments_watchlimits_delete": "200 403 403 200",
    "assessments_watchlimits_change": "200 200 200 200",
    "assessments_heartbeat_changelist": "403 403 403 200",
    "assessments_heartbeat_add": "403 403 403 403",
}
MOST_QUERIES = 30
#: Addresses with an argument that is no organization's row: asked for in tests of their own.
ELSEWHERE = {
    *("password_reset_confirm", "view_on_site", "app_list"),
    *(f"auth_{model}_{page}" for model in ("user", "group") for page in ("history", "delete", "change")),
    "auth_user_password_change",
    *(f"assessments_heartbeat_{page}" for page in ("history", "delete", "change")),
}


@pytest.fixture
def tenants(world: World) -> tuple[Rows, Rows]:
    """Acme's rows, and those of Globex, the stranger."""
    return rows_of_both(world)


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
        with CaptureQueriesContext(database) as captured:
            answer = client.get(address_of(name, arguments))
        if answer.status_code != wanted:
            wrong.append((name, answer.status_code, wanted))
        if len(captured) > MOST_QUERIES:
            wrong.append((name, "queries", len(captured)))
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
