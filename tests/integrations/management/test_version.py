"""The portal's version is one number, and is the same wherever it is shown."""

import json
import re
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.fixtures.console import Console
from tests.fixtures.world import World

ROOT = Path(__file__).parent.parent.parent.parent


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == settings.PORTAL_VERSION


def test_the_command_prints_the_version_without_a_database(console: Console) -> None:
    assert console.run("version") == f"{settings.PORTAL_VERSION}\n"
    assert console.json("version") == {"version": settings.PORTAL_VERSION}


def test_manage_py_answers_with_the_portals_version_not_with_djangos() -> None:
    done = subprocess.run(  # nosec B603 # our own command, no shell
        [sys.executable, "manage.py", "version", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout) == {"version": settings.PORTAL_VERSION}


def test_the_health_check_names_the_version(client: Client) -> None:
    assert client.get("/health/live").json()["version"] == settings.PORTAL_VERSION


@pytest.mark.django_db
def test_the_metrics_name_the_version(client: Client) -> None:
    text = client.get("/metrics").content.decode()
    assert f'portal_build_info{{version="{settings.PORTAL_VERSION}"}} 1.0' in text


@pytest.mark.django_db
def test_the_api_description_has_the_version(client: Client) -> None:
    schema = client.get(reverse("schema"), {"format": "json"}).json()
    assert schema["info"]["version"] == settings.PORTAL_VERSION


@pytest.mark.parametrize("page", ["admin:index", "mfa_index", "admin:assessments_order_changelist"])
def test_the_footer_of_each_page_shows_the_version(admin_client: Client, world: World, page: str) -> None:
    assert footer(admin_client.get(reverse(page)).content.decode()) == f"Version {settings.PORTAL_VERSION}"


@pytest.mark.django_db
def test_the_footer_of_the_sign_in_page_shows_the_version(client: Client) -> None:
    page = client.get(reverse("admin:login")).content.decode()
    assert footer(page) == f"Version {settings.PORTAL_VERSION}"


def footer(page: str) -> str:
    found = re.search(r'<footer id="footer">(.*?)</footer>', page, re.DOTALL)
    assert found
    return re.sub(r"<[^>]*>", "", found[1]).strip()
