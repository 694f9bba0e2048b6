"""Slow or stopped downloads do not delay answers to Ashby."""

import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from statistics import median

import pytest
import requests

from tests.e2e.browser import Browser
from tests.e2e.processes import Employer, Portal

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("own")]

EXPORT = "/admin/assessments/order/export/"
PASSWORD = "a long password of the tests"  # nosec B105 # noqa: S105 - of nobody


def test_slow_downloads_do_not_delay_answers_to_ashby(tmp_path) -> None:
    """Two people read 10 MB at 2 kB a second; three stop reading, twice each, which occupies every download
    slot."""
    with Portal(tmp_path) as portal, contextlib.ExitStack() as readers:
        employer = Employer(portal)
        code = f"from tests.e2e import console_commands as c; c.add_long_orders('', '{employer.slug} 1200')"
        portal.manage("shell", "--no-imports", "--command", code)
        people = [_signs_in(portal, name) for name in ("ada", "bob", "cho", "dee", "eve")]
        slow = [readers.enter_context(_downloads(portal, person)) for person in people[:2]]
        for reader in slow:
            assert b"200 OK" in reader.recv(400)
        for person in people[2:] * 2:
            readers.enter_context(_downloads(portal, person))
        package = _lists(employer).json()["results"][0]["assessment_type_id"]
        took, until = list[float](), time.monotonic() + 6
        while time.monotonic() < until:
            assert all(reader.recv(400) for reader in slow)
            took += [_seconds(lambda: _lists(employer)), _seconds(lambda: _starts(employer, package))]
            took.append(_seconds(lambda: requests.get(f"{portal.url}/health/live", timeout=20)))
    # A call that waited for a reader would wait for minutes; a busy machine alone can cost over a second.
    assert median(took) < 1, took
    assert max(took) < 5, took


def _signs_in(portal: Portal, name: str) -> Browser:
    portal.manage(
        *("createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    browser = Browser(portal.url)
    browser.submit("/admin/login/", username=name, password=PASSWORD)
    return browser


@contextlib.contextmanager
def _downloads(portal: Portal, person: Browser) -> Iterator[socket.socket]:
    """Connections that have requested the file, with a small buffer."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", portal.port))
        cookie = f"sessionid={person.session_key}"
        connection.sendall(f"GET {EXPORT} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
        yield connection


def _lists(employer: Employer) -> requests.Response:
    return _ashby(employer, "assessment.list", {})


def _starts(employer: Employer, package: str) -> requests.Response:
    body = {
        "assessment_type_id": package,
        "candidate": {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"},
        "application": {"ashby_id": str(uuid.uuid4()), "status": "Active"},
        "job": {"ashby_id": str(uuid.uuid4()), "name": "Analyst"},
    }
    return _ashby(employer, "assessment.start", body)


def _ashby(employer: Employer, name: str, body: dict) -> requests.Response:
    url = f"{employer.portal.url}/ashby/{name}"
    return requests.post(url, json=body, auth=(employer.verification_key, ""), timeout=20)


def _seconds(call: Callable[[], requests.Response]) -> float:
    began = time.monotonic()
    answer = call()
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began
