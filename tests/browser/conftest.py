"""A real Chromium, and what it complains of."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.portal.processes import Portal, eventually
from tests.fixtures.servers.services import chromium

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of the folder. While it runs, Django takes this thread for asynchronous, because
    Playwright's event loop waits in it."""
    executable = chromium()
    # A busy machine takes its time.
    expect.set_options(timeout=20_000)
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page for somebody who is not signed in; it is closed after the test."""
    with contextlib.ExitStack() as contexts:

        def open_page(**options: Any) -> Page:
            options.setdefault("viewport", {"width": 1440, "height": 900})
            page = contexts.enter_context(browser.new_context(**options)).new_page()
            page.set_default_timeout(60_000)
            return watched(page, complaints)

        yield open_page


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said of our pages."""
    return []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


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


def sign_in_operator(page: Page, portal: Portal, name: str) -> None:
    """Gives the browser the session of a new operator; others walk through the sign-in."""
    page.context.add_cookies(
        [{"name": "sessionid", "value": portal.sign_in_operator(name), "url": portal.url}]
    )
