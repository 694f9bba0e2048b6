"""Slow or stopped downloads do not delay answers to Ashby."""

import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
import requests

from tests.e2e.portal.browser import Browser
from tests.e2e.portal.processes import Employer, Portal

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("embedded")]

EXPORT = "/admin/assessments/order/export/"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """Processes of its own, since nothing else should be slow: a web server with one worker process, and
    the sandbox."""
    portal = Portal(tmp_path, WEB_WORKERS="1", CELERY_BROKER_URL="memory://", CACHE_URL="locmem://")
    portal.commands = {name: portal.commands[name] for name in ("web", "sandbox")}
    with portal:
        yield portal


def test_slow_downloads_do_not_delay_answers_to_ashby(portal: Portal) -> None:
    """Two people read 33 MB slowly, which is more than a connection's buffers hold; one stops reading, twice,
    and so occupies every download slot."""
    employer = Employer(portal)
    portal.run_inside("add_long_orders", f"{employer.slug} 4000")
    slow_people = [_signed_in(portal, name) for name in ("ada", "bob")]
    stopped = _signed_in(portal, "cho")
    with contextlib.ExitStack() as readers:
        slow = [readers.enter_context(_downloads(portal, person)) for person in slow_people]
        stuck = [readers.enter_context(_downloads(portal, stopped)) for _ in range(2)]
        for reader in (*slow, *stuck):
            assert b"200 OK" in reader.recv(400)
        assert stopped.get(EXPORT).status_code == 429, "every slot is occupied"
        package = _lists(employer).json()["results"][0]["assessment_type_id"]
        took = list[float]()
        for _ in range(12):
            assert all(reader.recv(400) for reader in slow)
            took += [_seconds(lambda: _lists(employer)), _seconds(lambda: _starts(employer, package))]
            took.append(_seconds(lambda: requests.get(f"{portal.url}/health/live", timeout=20)))
    # A call that waited for a reader would wait for minutes; a busy machine alone can cost seconds.
    assert median(took) < 1, took
    assert max(took) < 15, took


def _signed_in(portal: Portal, name: str) -> Browser:
    return Browser(portal.url, portal.sign_in_operator(name))


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
