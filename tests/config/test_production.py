"""The set-up that the README documents for real use, asked of the portal's own commands."""

import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from tests.e2e.portal.processes import ROOT
from tests.fixtures.environment import values_in
from tests.fixtures.servers.migrated import copy_sqlite

PUBLIC = {
    "PORTAL_BASE_URL": "https://portal.example.com",
    "TRUSTED_PROXY_HOPS": "1",
}


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**inherited, "VAR_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_documented_set_up_is_deployed_without_a_warning(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "INFO", **PUBLIC)
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    ), done.stderr


def test_debug_pages_are_impossible_where_the_portal_is_public(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", DEBUG="on", **PUBLIC)
    assert done.returncode != 0
    assert "Switch DEBUG off" in done.stderr


_SEEN = """
from django.conf import settings
from django.test import Client
from django.urls import reverse
secure = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
client = Client(SERVER_NAME="portal.example.com", headers=secure)
page = client.get(reverse("admin:login"))
print(page.status_code, reverse("admin:login"), page["Strict-Transport-Security"], sorted(page.cookies))
print(page.cookies["__Host-csrftoken"].OutputString())
plain = Client(SERVER_NAME="portal.example.com")
led, strange = plain.get(reverse("admin:login")), Client(SERVER_NAME="evil.example.net").get("/admin/")
print(led.headers.get("Location"))
listed, alive = plain.post("/ashby//assessment.list", {}, "application/json"), plain.get("/health/live")
print(listed.status_code, alive.status_code)
named = ("Content-Security-Policy", "X-Frame-Options", "Cache-Control", "Permissions-Policy")
print(strange.status_code, [name for answer in (page, led, strange) for name in named if name not in answer])
"""


def test_https_secures_cookies_and_responses_and_the_sign_in_page_can_be_moved(tmp_path: Path) -> None:
    copy_sqlite(tmp_path)
    done = manage(tmp_path, "shell", "--verbosity", "0", "-c", _SEEN, ADMIN_PATH="staff/door", **PUBLIC)
    page, cookie, redirect, machines, everywhere = done.stdout.strip().splitlines()[-5:]
    assert page == (
        "200 /staff/door/login/ max-age=31536000; includeSubDomains; preload ['__Host-csrftoken']"
    ), done.stderr
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert redirect == "https://portal.example.com/staff/door/login/"
    assert machines == "401 200", "a redirect would lose a machine's POST"
    assert everywhere == "400 []", "what is answered before any page has the same headers"


@pytest.mark.parametrize("path", ["a b", "../x", "é", "a//b"])
def test_an_invalid_path_of_the_sign_in_page_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="ADMIN_PATH may hold"):
        values_in(tmp_path, ADMIN_PATH=path)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "/admin/login/",
        "/admin/",
        "/nowhere",
        "/ashby/nowhere",
        "/api/docs/",
        "/health/live",
        "/static/portal/portal.js",
        "/metrics",
        "/api/schema/",
    ],
)
def test_every_answer_carries_the_headers_that_protect_its_reader(path: str) -> None:
    answer = Client().get(path)
    answer.getvalue()
    answer.close()
    policy = answer["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
def test_only_static_files_may_be_cached(admin_client: Client) -> None:
    pages = ("", "notification-settings/", "login/", "password_reset/")
    for path in (*(f"/admin/{page}" for page in pages), "/nowhere"):
        assert "no-store" in admin_client.get(path)["Cache-Control"], path
    for path in ("/admin/assessments/order/", "/admin/assessments/order/export/", "/metrics", "/health/live"):
        assert "no-store" in admin_client.get(path)["Cache-Control"], path
    assert "no-store" in Client().post("/ashby/assessment.list", {}, "application/json")["Cache-Control"]
    static = Client().get("/static/portal/portal.js")
    static.getvalue()
    static.close()
    assert "no-store" not in static["Cache-Control"]


@pytest.mark.django_db
def test_metrics_may_be_for_who_has_their_token(client: Client, settings) -> None:
    assert client.get("/metrics").status_code == 200
    settings.METRICS_TOKEN = "a-long-token"  # nosec B105 # noqa: S105 - only this test's
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-token"}).status_code == 200


def test_the_sign_in_page_is_at_admin_unless_it_is_moved() -> None:
    assert reverse("admin:index") == "/admin/"
