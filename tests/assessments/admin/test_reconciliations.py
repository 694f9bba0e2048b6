"""Reports of reconciliations, as people read them and ask for them."""

import pytest
from django.urls import reverse
from django.utils import timezone

from assessments.models import Discrepancy, Reconciliation
from assessments.reconciliation.run import run_turn
from tests.fixtures.admin import Desk, member, signed_in, words
from tests.fixtures.world import World

LIST = "assessments_reconciliation_changelist"
NOW = "admin:assessments_reconciliation_now"


@pytest.fixture
def report(world: World) -> Reconciliation:
    made = Reconciliation.objects.create(
        organization=world.acme.organization,
        requested_by="the portal",
        ended_at=timezone.now(),
        orders_checked=12,
        resolved=1,
        needs_review=1,
    )
    order = world.placed()
    for outcome, text in (
        ("resolved", "Ashby did not show it."),
        ("needs_review", "Justifacts lost <it>."),
    ):
        Discrepancy.objects.create(reconciliation=made, order=order, outcome=outcome, text=text)
    return made


def test_a_reconciliation_lists_fixes_and_items_to_review(
    world: World, desk: Desk, report: Reconciliation
) -> None:
    page = desk.html("assessments_reconciliation_change", report.pk)
    assert "Justifacts lost &lt;it&gt;." in page
    assert "Ashby did not show it." in page
    order = report.discrepancies.first().order
    assert reverse("admin:assessments_order_change", args=[order.pk]) in page
    assert "12" in words(page)


def test_a_failed_reconciliation_shows_its_error(world: World, desk: Desk, report: Reconciliation) -> None:
    address = ("assessments_reconciliation_change", report.pk)
    assert "did not end well" not in desk.html(*address)
    Reconciliation.objects.update(error="It failed.")
    assert "It failed." in desk.html(*address)
    assert "failed" in desk.html(LIST)


def test_the_dashboard_links_to_reconciliations_that_need_review(
    world: World, desk: Desk, report: Reconciliation
) -> None:
    address = f"{reverse('admin:assessments_reconciliation_changelist')}?outcome=needs_review"
    assert address in desk.html("index")
    assert "Acme" in desk.html(LIST, outcome="needs_review")
    Reconciliation.objects.create(
        organization=world.acme.organization, requested_by="ada", ended_at=timezone.now()
    )
    assert address not in desk.html("index"), "a later one found nothing"
    Reconciliation.objects.update(needs_review=0)
    assert address not in desk.html("index")
    assert str(report.pk) not in desk.html(LIST, outcome="needs_review").partition("result_list")[2]


def test_an_org_admin_starts_a_reconciliation(world: World, wire) -> None:
    client = signed_in(member("ada", world.acme.organization)).client
    assert "Reconcile now" in client.get(reverse(f"admin:{LIST}")).content.decode()
    answer = client.post(reverse(NOW), {"organization": world.acme.organization.pk}, follow=True)
    assert "The portal is comparing Acme with Ashby and Justifacts" in words(answer.content.decode())
    report = Reconciliation.objects.get()
    assert (report.requested_by, report.ended_at) == ("ada", None)
    again = client.post(reverse(NOW), {"organization": world.acme.organization.pk}, follow=True)
    assert "already running" in words(again.content.decode())
    run_turn(report)
    assert report.ended_at


@pytest.mark.parametrize("what", ["globex", "", "x", "9" * 30])
def test_an_org_admin_cannot_reconcile_another_organization(world: World, what: str) -> None:
    client = signed_in(member("ada", world.acme.organization)).client
    chosen = world.globex.organization.pk if what == "globex" else what
    assert client.post(reverse(NOW), {"organization": chosen}).status_code == 404
    assert not Reconciliation.objects.exists()
