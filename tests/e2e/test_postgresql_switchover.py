"""The database moves to another server, and the portal follows without a restart."""

import contextlib
import subprocess  # nosec B404 # programs of PostgreSQL
import time
import uuid

import pytest
import requests

from tests.e2e.portal.processes import Employer, ForegroundPortal, Portal, eventually
from tests.fixtures.servers.portals import fresh_database, fresh_redis
from tests.fixtures.servers.postgresql_servers import Address, Server, own_folder

pytestmark = [pytest.mark.journey, pytest.mark.services, pytest.mark.xdist_group("services")]


def test_starts_succeed_within_thirty_seconds_of_a_switchover(tmp_path) -> None:
    """The old primary still answers reads. Every process of ``make run`` has open connections to it."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(own_folder())
        old = Server(folder / "old")
        stack.callback(old.stop)
        _copy_migrated_database(old)
        new = Server(folder / "new", primary=old)
        stack.callback(new.stop)
        address = Address(old.port)
        stack.callback(address.close)
        broker, cache = stack.enter_context(fresh_redis(tmp_path))
        portal = ForegroundPortal(
            tmp_path,
            WEB_WORKERS="1",
            DATABASE_URL=f"postgres://postgres@127.0.0.1:{address.port}/postgres",
            CELERY_BROKER_URL=broker,
            CACHE_URL=cache,
        )
        stack.enter_context(portal)
        eventually(lambda: "The portal is ready at" in _printed(portal), "the portal says where it is")
        employer = Employer(portal)
        package = _package(employer)
        before = employer.start()
        eventually(lambda: employer.justifacts_orders(before), "Justifacts has the order")

        # The name resolves to a standby: its refusal is clear, and the portal disconnects again.
        address.to = new.port
        address.cut()
        refused = eventually(lambda: _refused(employer, package), "starts are refused")
        assert refused == ("temporarily_unavailable", "5"), "a code and Retry-After"
        address.to = old.port
        eventually(lambda: _started(employer, package), "starts work again", 30)

        old.becomes_read_only()
        assert _refused(employer, package), "the old primary accepts no writes"
        new.promote()
        address.to, moved = new.port, time.monotonic()
        check = eventually(lambda: _started(employer, package), "starts work again", 30)
        eventually(lambda: employer.justifacts_orders(check), "the worker places the order", 30)
        eventually(portal.is_ready, "worker and scheduler show a heartbeat", 30)
        assert time.monotonic() - moved < 60
        number = eventually(lambda: employer.order(before)["justifacts_order_id"], "its number is recorded")
        assert number == employer.justifacts_orders(before)[0]["id"], "no earlier order is lost"
        for _ in range(20):
            assert _start(employer, package).status_code == 200, (
                "no process holds a connection to the old primary"
            )
        portal.end("run")
        assert "exited and is restarted" not in _printed(portal), "every process follows by itself"


def _copy_migrated_database(server: Server) -> None:
    """To migrate takes ten times as long."""
    with fresh_database() as url:
        dump = subprocess.run(["pg_dump", url], check=True, capture_output=True)  # nosec B603, B607 # noqa: S603, S607 - a fixed command
    to = f"postgres://postgres@127.0.0.1:{server.port}/postgres"
    subprocess.run(["psql", "--quiet", to], input=dump.stdout, check=True, stdout=subprocess.DEVNULL)  # nosec B603, B607 # noqa: S603, S607 - a fixed command


def _printed(portal: Portal) -> str:
    return (portal.folder / "run.log").read_text()


def _package(employer: Employer) -> str:
    url, auth = f"{employer.portal.url}/ashby/assessment.list", (employer.verification_key, "")
    answer = requests.post(url, json={}, auth=auth, timeout=30)
    return str(answer.json()["results"][0]["assessment_type_id"])


def _start(employer: Employer, package: str) -> requests.Response:
    body = {
        "assessment_type_id": package,
        "candidate": {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"},
        "application": {"ashby_id": str(uuid.uuid4()), "status": "Active"},
        "job": {"ashby_id": str(uuid.uuid4()), "name": "Analyst"},
    }
    answer = requests.post(
        f"{employer.portal.url}/ashby/assessment.start",
        json=body,
        auth=(employer.verification_key, ""),
        timeout=30,
    )
    assert answer.status_code in (200, 503), answer.text
    return answer


def _refused(employer: Employer, package: str) -> tuple[str, str] | None:
    answer = _start(employer, package)
    if answer.status_code == 200:
        return None
    return answer.json()["errorInfo"]["code"], answer.headers["Retry-After"]


def _started(employer: Employer, package: str) -> str:
    answer = _start(employer, package)
    return str(answer.json()["results"]["assessment_id"]) if answer.status_code == 200 else ""
