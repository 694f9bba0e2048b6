"""The README's pictures: ``make screenshots``.

Fills a new database with months of made-up orders, starts the Procfile's web process on it, and takes
pictures of the three main pages.
"""

import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import requests
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, sign_in
from tests.e2e.portal.processes import Portal, eventually
from tests.fixtures.servers.services import chromium

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
PASSWORD = "only for the pictures"  # nosec B105 # noqa: S105 - of an account that only the test has
# An order with a pending update that needs attention fills every part of the order's page. The worker and the
# scheduler seem to run, or the dashboard would say that they are missing.
_ADDRESSES = """
from django.utils import timezone
from assessments.models import Heartbeat, Order
from integrations.models import Organization
for name in ("worker", "scheduler"):
    Heartbeat.beat(name, timezone.now())
flagged = Order.objects.filter(updates__isnull=False, needs_attention=True)
print(Organization.objects.get(slug="acme").pk, flagged.order_by("organization__slug").first().pk)
"""


def main() -> None:
    executable = chromium()
    with tempfile.TemporaryDirectory() as folder:
        portal = Portal(
            Path(folder), CELERY_BROKER_URL="memory://", CACHE_URL="locmem://", JUSTIFACTS_BASE_URL=""
        )
        try:
            organization, order = _fill(portal)
            portal.start("web")
            eventually(lambda: _answers(portal), "the portal answers")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
                page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
                page.goto(f"{portal.url}/admin/")
                sign_in(page, "ada", PASSWORD)
                _take(page, f"{portal.url}/admin/", "dashboard", height=1240)
                _take(page, f"{portal.url}/orders/{order}/", "order", height=1000)
                _take(page, f"{portal.url}/admin/integrations/organization/{organization}/setup/", "set-up")
                browser.close()
        finally:
            portal.__exit__()


def _fill(portal: Portal) -> list[str]:
    """Return the ids of an organization and of an order."""

    def python(*arguments: str, **environment: str) -> str:
        return subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            [sys.executable, *arguments],
            env=portal.environment | environment,
            cwd=PICTURES.parents[1],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    python("manage.py", "migrate", "--verbosity", "0")
    python("-m", "tests.fixtures.load_data", "--orders", "400")
    python(
        *("manage.py", "createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    return python("manage.py", "shell", "--verbosity", "0", "-c", _ADDRESSES).split()


def _answers(portal: Portal) -> bool:
    with suppress(requests.RequestException):
        return requests.get(f"{portal.url}/health/live", timeout=5).status_code == 200
    return False


def _take(page: Page, address: str, name: str, height: int = 1100) -> None:
    page.goto(address)
    page.set_viewport_size({"width": 1280, "height": height})
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
    print(os.path.relpath(PICTURES / f"{name}.png"))


if __name__ == "__main__":
    main()
