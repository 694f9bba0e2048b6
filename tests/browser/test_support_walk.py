"""Support resolves a pause and an unknown placement in a real browser with the real processes; an admin
cannot open pages of another organization."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import choose_password, mailed_link, sign_in_operator
from tests.e2e.portal.processes import Employer, Portal, eventually

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("embedded")]

PASSWORD = "correct horse battery staple"  # nosec B105 # noqa: S105 - of an account that only the test has


@pytest.fixture
def employer(embedded_portal: Portal) -> Iterator[Employer]:
    # Justifacts says nothing by itself: a push would end the doubt about a placing.
    employer = Employer(embedded_portal, push=False, push_on_start=False)
    yield employer
    for side in ("ashby", "justifacts"):
        employer.works_again(side)


@pytest.fixture
def support(page: Page, embedded_portal: Portal, employer: Employer) -> Page:
    """An operator, signed in and on the dashboard."""
    sign_in_operator(page, embedded_portal, f"support-{employer.slug}")
    page.goto(f"{embedded_portal.url}/admin/?organization={employer.slug}")
    return page


def test_paused_deliveries_resume_with_a_working_key(
    embedded_portal: Portal, employer: Employer, support: Page, complaints: list[str]
) -> None:
    employer.fails("ashby", "wrong_key")
    order = employer.start()
    eventually(lambda: "paused" in str(employer.order(order)["where_it_stands"]), "deliveries pause")

    support.reload()
    support.locator("a", has_text="waiting for paused deliveries").first.click()
    support.locator(".field-candidate a").first.click()
    summary = support.get_by_label("Order status")
    expect(summary).to_contain_text("Waiting for Ashby since")
    expect(summary).to_contain_text("choose a working key")
    expect(support.get_by_text("In Ashby now")).to_be_visible()

    # The organization's admin fixes the key in Ashby; support tests the connection, and deliveries resume.
    employer.works_again("ashby")
    support.goto(f"{embedded_portal.url}/admin/integrations/organization/?q={employer.slug}")
    support.get_by_role("link", name="Set up").first.click()
    support.get_by_role("button", name="Test connection").click()
    expect(support.locator("#test")).to_contain_text("works and may update candidates", timeout=20_000)
    eventually(lambda: employer.delivered(order), "Ashby receives the pending updates")
    assert employer.delivered(order)[0] == "Justifacts Received"
    assert complaints == []


def test_an_unknown_placement_is_resolved_by_linking_the_order(
    embedded_portal: Portal, employer: Employer, support: Page, complaints: list[str]
) -> None:
    employer.fails("justifacts", "500", call="assessment.start", after=True)
    employer.fails("justifacts", "500", call="assessment.status")
    order = employer.start()
    eventually(lambda: employer.justifacts_orders(order), "Justifacts has the order, and its answer is lost")

    support.goto(f"{embedded_portal.url}/orders/{order}/")
    for _ in range(3):
        before = employer.order(order)
        if before["needs_attention"]:
            break
        support.get_by_role("link", name="Retry now").click()
        support.get_by_role("button", name="Retry now").click()
        eventually(
            lambda before=before: (
                employer.order(order)["needs_attention"]
                or len(employer.order(order)["attempts"]) > len(before["attempts"])
            ),
            "Justifacts is asked",
        )
    eventually(lambda: employer.order(order)["needs_attention"], "the order needs attention")
    support.reload()
    expect(support.get_by_label("Order status")).to_contain_text("Needs attention")

    (taken,) = employer.justifacts_orders(order)
    employer.works_again("justifacts")
    support.get_by_role("link", name="Link existing Justifacts order").click()
    expect(support.locator("#content")).to_contain_text(order)
    support.get_by_label("Justifacts order number").fill(taken["id"])
    support.get_by_label("Reason").fill("Kim at Justifacts found it")
    support.get_by_role("button", name="Link existing Justifacts order").click()
    expect(support.locator("#entries")).to_contain_text("Reason: Kim at Justifacts found it")
    eventually(lambda: "Justifacts Received" in employer.delivered(order), "Ashby receives the update")
    assert len(employer.justifacts_orders(order)) == 1
    assert complaints == []


def test_an_admin_sees_nothing_of_another_organization(
    embedded_portal: Portal,
    employer: Employer,
    support: Page,
    new_page: Callable[[], Page],
    complaints: list[str],
) -> None:
    stranger = Employer(embedded_portal)
    theirs = stranger.start()
    support.goto(f"{embedded_portal.url}/admin/integrations/membership/add/")
    support.get_by_label("Organization").select_option(label=employer.slug)
    email = f"{employer.slug}@example.com"
    support.get_by_label("E-mail").fill(email)
    support.get_by_role("button", name="Save", exact=True).click()

    admin = new_page()
    choose_password(admin, mailed_link(embedded_portal, email), email, PASSWORD)
    expect(admin.locator("body")).not_to_contain_text(stranger.slug)
    own = employer.start()
    admin.goto(f"{embedded_portal.url}/orders/{own}/")
    expect(admin.get_by_label("Order status")).to_be_visible()
    for path in (
        f"orders/{theirs}/",
        f"admin/assessments/order/{theirs}/cancel/",
        f"admin/assessments/order/{theirs}/history/",
        f"admin/?organization={stranger.slug}",
    ):
        answer = admin.goto(f"{embedded_portal.url}/{path}")
        assert answer
        assert answer.status == 404, path
        assert stranger.slug not in admin.content().replace(path, "")
    admin.goto(f"{embedded_portal.url}/admin/assessments/order/?organization={stranger.slug}")
    expect(admin.locator("body")).not_to_contain_text(theirs[:8])
