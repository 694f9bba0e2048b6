"""An org admin sets stall thresholds; staff see which orders are stalled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from assessments import tasks
from assessments.models import Order, StallThresholds
from integrations.models import Organization
from tests.fixtures.admin import Desk, member, signed_in
from tests.fixtures.console import Console, console
from tests.fixtures.world import World

__all__ = ["console"]

PAGE = "assessments_stallthresholds_change"
LIST = "assessments_stallthresholds_changelist"
DEFAULTS = {
    "accepted_minutes": "15",
    "received_days": "3",
    "applicant_started_days": "7",
    "in_process_business_days": "10",
}


@pytest.fixture
def clock(world: World) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 4, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def acme(world: World) -> Organization:
    return world.acme.organization


def test_a_stall_appears_on_the_pages_and_on_the_card_in_ashby(
    world: World, acme: Organization, clock: time_machine.Traveller, console: Console
) -> None:
    """A threshold is set, the task finds the order, pages and Ashby show it, and the order moves on."""
    world.ashby_takes_everything()
    admin, order = signed_in(member("ada", acme)), world.placed()
    world.work()
    said = admin.press(PAGE, acme.pk, **{**DEFAULTS, "received_days": "2"}, notify_ashby="on")
    assert "Stall thresholds of Acme" in said
    clock.shift(timedelta(days=2, minutes=1))
    admin.client.force_login(User.objects.get(username="ada"))
    assert "is stalled" not in admin.open("index")
    tasks.watch()
    assert "1 order is stalled" in admin.open("index")
    assert order.candidate_name in admin.open("assessments_order_changelist", problem="stalled")
    page = admin.open("assessments_order_change", order.pk)
    assert "Received Stalled Received since 2026-03-04 12:00 UTC; the limit at Acme is 2 days. The" in page
    output = console.json("order", str(order.pk))
    assert output["stalled"] is True
    assert output["stall_reason"].startswith("Received since 2026-03-04 12:00 UTC; the limit at Acme")
    world.work()
    assert world.sent("assessment.update")[-1]["metadata"][-1]["value"] == output["stall_reason"]
    assert "Waiting Received since" in admin.open("assessments_order_change", order.pk)

    world.push(order, "Applicant Started")
    assert "is stalled" not in admin.open("index")
    output = console.json("order", str(order.pk))
    assert (output["stalled"], output["stall_reason"]) == (False, None)


def test_the_page_shows_the_defaults_until_the_organization_sets_its_own(
    acme: Organization, org_admin: Desk
) -> None:
    page = org_admin.html(PAGE, acme.pk)
    for name, value in DEFAULTS.items():
        assert f'name="{name}" value="{value}"' in page
    assert not StallThresholds.objects.exists()
    org_admin.press(PAGE, acme.pk, **DEFAULTS)
    limits = StallThresholds.objects.get()
    assert (limits.organization, limits.received_days, limits.notify_ashby) == (acme, 3, False)
    assert LogEntry.objects.get().object_id == str(acme.pk)


def test_deleting_thresholds_restores_the_defaults(acme: Organization, org_admin: Desk) -> None:
    delete = reverse("admin:assessments_stallthresholds_delete", args=[acme.pk])
    assert org_admin.client.get(delete).status_code == 403, "there is nothing to delete"
    org_admin.press(PAGE, acme.pk, **{**DEFAULTS, "received_days": "9"})
    org_admin.press("assessments_stallthresholds_delete", acme.pk, post="yes")
    assert not StallThresholds.objects.exists()
    assert 'name="received_days" value="3"' in org_admin.html(PAGE, acme.pk)


@pytest.mark.parametrize("wrong", ["0", "-1", "366", "", "soon", "9" * 40])
def test_an_invalid_threshold_is_reported_on_the_page(
    acme: Organization, org_admin: Desk, wrong: str
) -> None:
    said = org_admin.press(PAGE, acme.pk, **{**DEFAULTS, "received_days": wrong})
    assert "Please correct the error below." in said
    assert not StallThresholds.objects.exists()


def test_the_set_up_page_links_to_the_thresholds(acme: Organization, org_admin: Desk) -> None:
    assert reverse(f"admin:{PAGE}", args=[acme.pk]) in org_admin.html(
        "integrations_organization_setup", acme.pk
    )


def test_the_list_names_organizations_with_their_own_thresholds(world: World, operator: Desk) -> None:
    StallThresholds.objects.create(organization=world.globex.organization, received_days=5)
    page = operator.open(LIST)
    assert "Organizations that are not listed use the default thresholds: accepted 15 minutes" in page
    assert "1 stall thresholds" in page
    assert "Globex" in page
    form = operator.html("assessments_stallthresholds_add")
    assert ">Acme</option>" in form
    assert ">Globex</option>" not in form


def test_an_admin_of_one_organization_need_not_choose_it(acme: Organization, org_admin: Desk) -> None:
    assert f'<option value="{acme.pk}" selected>Acme</option>' in org_admin.html(
        "assessments_stallthresholds_add"
    )


def test_support_sees_thresholds_and_cannot_change_them(
    world: World, acme: Organization, support: Desk
) -> None:
    page = support.html(PAGE, acme.pk)
    assert 'name="received_days"' not in page
    address = reverse(f"admin:{PAGE}", args=[acme.pk])
    assert support.client.post(address, DEFAULTS).status_code == 403
    assert not StallThresholds.objects.exists()


@pytest.mark.parametrize("nobody", ["0", "999999", "9" * 30, "x", "1%00"])
def test_an_unknown_organization_answers_404(org_admin: Desk, nobody: str) -> None:
    assert org_admin.client.get(f"/admin/assessments/stallthresholds/{nobody}/change/").status_code == 404


def test_thresholds_of_another_organization_answer_404(world: World, org_admin: Desk) -> None:
    address = reverse(f"admin:{PAGE}", args=[world.globex.organization.pk])
    assert org_admin.client.get(address).status_code == 404
    assert org_admin.client.post(address, DEFAULTS).status_code == 404
    StallThresholds.objects.create(organization=world.globex.organization)
    assert org_admin.client.get(address).status_code == 404


def test_the_list_of_orders_marks_stalled_orders(world: World, support: Desk, capsys) -> None:
    order = world.placed()
    Order.objects.update(status_since=order.created_at - timedelta(days=4))
    tasks.watch()
    assert "Received Stalled 4 d" in support.open("assessments_order_changelist")
    call_command("orders")
    assert "STALLED" in capsys.readouterr().out
