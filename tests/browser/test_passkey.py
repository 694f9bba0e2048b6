"""Passkeys in a real browser, under the real content security policy."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.e2e.portal.processes import Portal

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("embedded")]
PASSWORD = "correct horse battery"  # nosec B105 # noqa: S105 - made up, for this test
_MAKE = """
from django.contrib.auth.models import User
person = User.objects.create_superuser("passkey-person", "passkey@example.com", "{password}")
"""


@pytest.fixture
def local(embedded_portal: Portal) -> str:
    """A passkey belongs to a host name, and 127.0.0.1 is an address."""
    return embedded_portal.url.replace("127.0.0.1", "localhost")


def add_security_device(page: Page) -> None:
    """Give the browser a security device that always agrees."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})


def test_a_passkey_can_be_added_and_signs_in(
    embedded_portal: Portal, local: str, page: Page, complaints: list[str]
) -> None:
    embedded_portal.manage("shell", "--verbosity", "0", "-c", _MAKE.format(password=PASSWORD))
    add_security_device(page)
    page.goto(f"{local}/admin/")
    sign_in(page, "passkey-person", PASSWORD)
    page.get_by_role("link", name="Two-factor authentication").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add a passkey").click()
    codes = page.locator(".two-factor-codes li")
    expect(codes).to_have_count(10)
    page.get_by_role("link", name="I have saved the codes").click()

    page.get_by_role("button", name="Log out").click()
    page.goto(f"{local}/admin/assessments/order/")
    sign_in(page, "passkey-person", PASSWORD)
    expect(page).to_have_url(re.compile("second-step"))
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{local}/admin/assessments/order/")

    page.goto(f"{local}/admin/two-factor/")
    expect(page.locator("body")).to_contain_text("Work laptop")
    expect(page.locator("body")).to_contain_text("Last used")
    assert complaints == []
