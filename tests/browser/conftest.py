"""A real Chromium, and what it complains of."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.processes import Portal, eventually
from tests.fixtures.services import chromium

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture
def browser() -> Iterator[Browser]:
    executable = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said of our pages."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Page:
    return watched(browser.new_page(viewport={"width": 1440, "height": 900}), complaints)


def watched(page: Page, complaints: list[str]) -> Page:
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def mailed_link(portal: Portal, email: str) -> str:
    """The link in the invitation to somebody."""

    def mailed() -> str | None:
        mails = [mail.read_text() for mail in (portal.folder / "mails").glob("*")]
        links = [re.search(r"/admin/reset/\S+", mail) for mail in mails if f"To: {email}" in mail]
        return next((link[0] for link in links if link), None)

    return f"{portal.url}{eventually(mailed, 'the invitation is mailed')}"


def choose_password(page: Page, link: str, email: str, password: str) -> None:
    """Follows an invitation and signs in."""
    page.goto(link)
    page.get_by_label("New password").fill(password)
    page.get_by_label("Confirm password").fill(password)
    page.get_by_role("button", name="Change my password").click()
    page.get_by_role("link", name="Log in").click()
    sign_in(page, email, password)


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
