"""The README's walk, in a real Chromium: a recruiter in Ashby, and support in the portal."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in_operator
from tests.e2e.portal.processes import Employer, Portal

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("embedded")]


def test_a_recruiter_starts_a_check_and_support_finds_it(
    embedded_portal: Portal, page: Page, complaints: list[str]
) -> None:
    """Start Assessment, watch the card until the report is there, open the report; then the order
    in the portal with its history."""
    portal = embedded_portal
    employer = Employer(portal, automatic=True, step_seconds=1)
    page.goto(f"{portal.sandbox}/ashby/{employer.slug}/")
    page.locator(f"a[href*='/ashby/{employer.slug}/candidates/']").first.click()
    page.get_by_role("button", name="Start Assessment").click()
    card = page.locator("article.assessment").first
    for status in ("Justifacts Received", "Applicant Started", "In Process: Justifacts", "Complete"):
        expect(card.get_by_text(status, exact=True).first).to_be_visible(timeout=20_000)
    with page.expect_popup() as opened:
        card.get_by_role("link", name="View report").click()
    expect(opened.value.get_by_text(re.compile("Clear|Review")).first).to_be_visible()
    (assessment,) = employer.seen("ashby/assessments")["assessments"]

    sign_in_operator(page, portal, employer.slug)
    page.goto(f"{portal.url}/orders/{assessment['id']}/")
    main = page.locator("#content")
    expect(main).to_contain_text("JF-")
    # A push may name the order before the answer to its placement is recorded.
    placed = re.compile("Justifacts (accepted|has) the order as number")
    for words in ("Ashby started", placed, "Applicant Started", "completed the check"):
        expect(main).to_contain_text(words)
    assert complaints == []
