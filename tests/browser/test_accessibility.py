"""Labels, contrast and structure of every main page, as axe-core judges them; and the keyboard."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from assessments.models import Order
from integrations.models import Job, Organization
from tests.browser.conftest import sign_in
from tests.fixtures.load_data import fill

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

PASSWORD = "correct horse battery staple"  # nosec B105 # noqa: S105 - of an account that only the test has


@pytest.fixture
def addresses(transactional_db: None) -> dict[str, str]:
    """Real-looking data, and where it is seen."""
    fill(24, organizations=2)
    User.objects.create_superuser("ada", "ada@example.com", PASSWORD)
    organization, job = Organization.objects.get(slug="acme"), Job.objects.first()
    asking = Order.objects.filter(needs_attention=True).first()
    complete = Order.objects.filter(status="complete").first()
    assert asking
    assert complete
    assert job
    return {
        "dashboard": reverse("admin:index"),
        "orders": reverse("admin:assessments_order_changelist"),
        "an order that needs attention": reverse("admin:assessments_order_change", args=[asking.pk]),
        "a complete order": reverse("admin:assessments_order_change", args=[complete.pk]),
        "a confirmation": reverse("admin:assessments_order_note", args=[complete.pk]),
        "set-up": reverse("admin:integrations_organization_setup", args=[organization.pk]),
        "packages": reverse("admin:integrations_package_changelist"),
        "jobs": reverse("admin:integrations_job_changelist"),
        "a job": reverse("admin:integrations_job_change", args=[job.pk]),
        "mapping preview": reverse("admin:assessments_order_mapping_preview", args=[organization.pk]),
        "custom field": reverse("admin:integrations_customfield_add"),
        "members": reverse("admin:integrations_membership_changelist"),
        "invitation": reverse("admin:integrations_membership_add"),
        "connection": reverse("admin:integrations_connection_change", args=[organization.connection.pk]),
        "notification settings": reverse("notification_settings"),
        "two-factor authentication": reverse("mfa_index"),
        "an app": reverse("mfa_activate_totp"),
        "a passkey": reverse("mfa_add_webauthn"),
    }


#: For axe: what it checks in light colours on a wide screen, and what can be wrong in the other look alone.
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
LOOKS = {"type": "rule", "values": ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]}


def violations(page: Page, rules: list[str] | dict[str, Any]) -> list[str]:
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    return [
        f"{rule['id']}: {node['html'][:150]}"
        for rule in Axe().run(page, options=options).response["violations"]
        for node in rule["nodes"]
    ]


def test_every_main_page_passes_axe(
    addresses: dict[str, str], live_server, page: Page, complaints: list[str]
) -> None:
    """In light colours on a wide screen, and in dark ones on a narrow screen."""
    page.goto(f"{live_server.url}{reverse('admin:login')}")
    found = _looked_at(page, "sign-in")
    complaints.clear()
    sign_in(page, "ada", PASSWORD)
    for name, address in addresses.items():
        page.goto(f"{live_server.url}{address}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert complaints == [], name
        found += _looked_at(page, name)
        # axe's own styles are against our policy: not our pages' doing.
        complaints.clear()
    assert found == []


def _looked_at(page: Page, name: str) -> list[str]:
    found = []
    for scheme, width, rules in (("light", 1440, EVERYTHING), ("dark", 390, LOOKS)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        # Half-way between two schemes, a colour has no contrast.
        page.evaluate("document.getAnimations().forEach((one) => one.finish())")
        found += [f"{name}, {scheme}: {rule}" for rule in violations(page, rules)]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{name} scrolls sideways by {wide} px at {width} px"
    return found


def test_an_order_is_noted_by_keyboard_alone(addresses: dict[str, str], live_server, page: Page) -> None:
    page.goto(f"{live_server.url}{reverse('admin:login')}")
    sign_in(page, "ada", PASSWORD)
    page.goto(f"{live_server.url}{addresses['a complete order']}")
    link = page.get_by_role("link", name="Add a note")
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("(one) => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    field = page.get_by_label("Note")
    for _ in range(40):
        page.keyboard.press("Tab")
        if field.evaluate("(one) => one === document.activeElement"):
            break
    page.keyboard.type("Written without a mouse")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#entries")).to_contain_text("ada noted: Written without a mouse")
