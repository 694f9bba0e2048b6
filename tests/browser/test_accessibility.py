"""Labels, contrast and structure of every main page, as axe-core judges them; and the keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from assessments.models import Order
from integrations.models import Job, Organization
from tests.browser.conftest import sign_in, watched
from tests.fixtures.load_data import fill

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

PASSWORD = "correct horse battery staple"  # nosec B105 # noqa: S105 - of an account that only the test has


@pytest.fixture
def addresses(transactional_db: None) -> dict[str, str]:
    """Real-looking data, and where it is seen. Asked for before the browser, whose event loop is not
    for the database."""
    fill(60)
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


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    return [
        f"{rule['id']}: {node['html'][:150]}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_every_main_page_passes_axe(
    addresses: dict[str, str], live_server, browser: Browser, scheme: str, width: int
) -> None:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = watched(context.new_page(), complaints)
    page.goto(f"{live_server.url}{reverse('admin:login')}")
    found = {"sign-in": violations(page)}
    complaints.clear()
    sign_in(page, "ada", PASSWORD)
    for name, address in addresses.items():
        page.goto(f"{live_server.url}{address}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert complaints == [], name
        found[name] = violations(page)
        # axe's own styles are against our policy: not our pages' doing.
        complaints.clear()
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 1, f"{name} scrolls sideways by {wide} px"
    assert [f"{name}: {rule}" for name, rules in found.items() for rule in rules] == []


def test_an_order_is_noted_by_keyboard_alone(
    addresses: dict[str, str], live_server, browser: Browser
) -> None:
    page = browser.new_page()
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
