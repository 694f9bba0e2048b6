"""From nothing to the first completed check: an operator adds an organization and invites its admin,
who connects it on one page without having seen a UUID; a recruiter starts a check."""

import re
import uuid
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import choose_password, mailed_link, sign_in_operator
from tests.e2e.portal.processes import Portal

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("embedded")]

PASSWORD = "correct horse battery staple"  # nosec B105 # noqa: S105 - of an account that only the test has


@pytest.fixture
def slug(embedded_portal: Portal) -> str:
    """An employer whom Ashby and Justifacts know, and the portal does not."""
    slug = f"new-{uuid.uuid4().hex[:8]}"
    employer = {"name": slug, "slug": slug, "mailed_key": f"mailed-{uuid.uuid4().hex}"}
    for path, body in (
        ("orgs", employer),
        ("settings", {"org": slug, "automatic": True, "step_seconds": 1}),
    ):
        answer = requests.post(f"{embedded_portal.sandbox}/control/{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
    return slug


def invited_by_an_operator(portal: Portal, page: Page, slug: str) -> str:
    """The link in the mail to the organization's admin, which the console backend prints."""
    sign_in_operator(page, portal, f"op-{slug}")
    page.goto(f"{portal.url}/admin/integrations/organization/add/")
    page.get_by_label("Name").fill(slug)
    page.get_by_label("Slug").fill(slug)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name=f"Set up {slug}")).to_be_visible()
    page.goto(f"{portal.url}/admin/integrations/membership/add/")
    page.get_by_label("Organization").select_option(label=slug)
    page.get_by_label("E-mail").fill(f"{slug}@example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    return mailed_link(portal, f"{slug}@example.com")


def test_an_admin_connects_the_organization_and_a_check_completes(
    embedded_portal: Portal, new_page: Callable[[], Page], complaints: list[str], slug: str
) -> None:
    portal = embedded_portal
    link = invited_by_an_operator(portal, new_page(), slug)

    # The admin, in a browser of their own.
    admin = new_page()
    choose_password(admin, link, f"{slug}@example.com", PASSWORD)
    admin.get_by_role("link", name=re.compile("Set up|" + slug)).first.click()
    expect(admin.get_by_role("heading", name=f"Set up {slug}")).to_be_visible()

    ashby = new_page()
    ashby.goto(f"{portal.sandbox}/ashby/{slug}/settings")
    ashby.get_by_text("+ New").click()
    ashby.get_by_role("button", name="Create API Key").click()
    admin.get_by_label("Ashby API key").fill(f"  {ashby.locator('.new-key').inner_text()} ")
    admin.get_by_role("button", name="Save and use this key").click()

    ashby.goto(f"{portal.sandbox}/justifacts/{slug}/")
    ashby.get_by_text("The e-mail from Justifacts").click()
    mailed_key = ashby.locator("details code").first.inner_text()
    admin.get_by_label("Verification key").fill(mailed_key)
    admin.get_by_role("button", name="Save the verification key").click()

    for button, step, found in (
        ("Fetch packages", "#packages", "Justifacts sells 4 packages."),
        ("Fetch jobs", "#jobs", "Ashby has 6 jobs."),
        ("Test connection", "#test", "Custom fields: 0."),
    ):
        admin.get_by_role("button", name=button).click()
        expect(admin.locator(step)).to_contain_text(found, timeout=20_000)
    expect(admin.locator("#test .finding-problem")).to_have_count(0)

    ashby.goto(f"{portal.sandbox}/ashby/{slug}/settings")
    ashby.get_by_label("Justifacts Credential").fill(mailed_key)
    ashby.get_by_label("Staging Base URL").fill(admin.locator("#portal-address").inner_text())
    ashby.get_by_role("button", name="Save").click()
    # The page that was left open says so by itself.
    expect(admin.locator("#first-call")).to_contain_text("is connected", timeout=20_000)
    expect(admin.locator("#setup-live")).to_contain_text("Everything is connected.")

    ashby.goto(f"{portal.sandbox}/ashby/{slug}/")
    ashby.locator(f"a[href*='/ashby/{slug}/candidates/']").first.click()
    # A page in the background does not refresh itself.
    ashby.bring_to_front()
    ashby.get_by_role("button", name="Start Assessment").click()
    card = ashby.locator("article.assessment").first
    expect(card.get_by_text("Complete", exact=True).first).to_be_visible(timeout=30_000)

    admin.goto(f"{portal.url}/admin/assessments/order/")
    expect(admin.locator("#result_list")).to_contain_text("Complete")
    assert complaints == []
