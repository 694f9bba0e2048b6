"""Keys are replaced while orders run: no call is refused at any moment, on either database."""

import threading
import uuid
from typing import Any

import pytest
import requests

from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import on_services

pytestmark = pytest.mark.journey


class Recruiters:
    """Start orders one after the other, a few a second, until they are stopped."""

    def __init__(self, employer: Employer) -> None:
        self.employer = employer
        self.answers: list[dict[str, Any]] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(2)]

    def __enter__(self) -> "Recruiters":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self) -> None:
        while not self._end.wait(0.4):
            answer = requests.post(
                f"{self.employer.portal.sandbox}/control/ashby/start",
                json={"org": self.employer.slug, "assessment_type": "Executive"},
                timeout=30,
            )
            self.answers.append(answer.json())

    def go_on(self, checks: int = 3) -> None:
        """Wait until this many more orders were started with the present keys."""
        wanted = len(self.answers) + checks
        eventually(lambda: len(self.answers) >= wanted, "checks are started", 60)


@on_services
def test_no_call_fails_while_each_key_is_replaced(portal: Portal) -> None:
    """Either the portal or the partner may get the new key first."""
    employer = Employer(portal, push_on_start=False)
    with Recruiters(employer) as recruiters:
        recruiters.go_on()
        _store(employer, verification_key=f"verify-{uuid.uuid4().hex}")
        recruiters.go_on()
        _set_partner_keys(employer, employer.ashby_key)
        recruiters.go_on()
        old, new = employer.ashby_key, f"ashby-{uuid.uuid4().hex}"
        _set_partner_keys(employer, old, new)
        _store(employer, ashby_key=new)
        recruiters.go_on()
        _set_partner_keys(employer, new)
        recruiters.go_on()
        _store(employer, ashby_key=f"ashby-{uuid.uuid4().hex}")
        recruiters.go_on()
        _set_partner_keys(employer, employer.ashby_key)
        recruiters.go_on()

    assert [answer["status"] for answer in recruiters.answers] == [200] * len(recruiters.answers)
    checks = [answer["assessment_id"] for answer in recruiters.answers]
    for check in checks:
        eventually(lambda c=check: employer.justifacts_orders(c), "Justifacts has the order")
        employer.step(check, status="Complete", result="Clear")
    for check in checks:
        eventually(lambda c=check: employer.delivered(c)[-1:] == ["Complete"], "Ashby gets the end", 60)
    outcomes = {attempt["outcome"] for check in checks[-3:] for attempt in employer.order(check)["attempts"]}
    assert outcomes == {"taken"}
    assert employer.seen("ledger")["placed_twice"] == 0


def _store(employer: Employer, verification_key: str = "", ashby_key: str = "") -> None:
    """The employer's admin stores the next key in the portal."""
    employer.verification_key = verification_key or employer.verification_key
    employer.ashby_key = ashby_key or employer.ashby_key
    employer.portal.manage(
        *("connect_org", employer.slug, "--slug", employer.slug),
        JUSTIFACTS_KEY=verification_key,
        ASHBY_KEY=ashby_key,
    )


def _set_partner_keys(employer: Employer, *ashby_keys: str) -> None:
    """Give Ashby and Justifacts the newest verification key, and Ashby exactly these API keys."""
    scopes = ["candidates:write", "candidates:read", "jobs:read", "apiKeys:read"]
    employer.control(
        "orgs",
        name=employer.slug,
        slug=employer.slug,
        ashby_keys=[{"key": key, "title": key[-4:], "scopes": scopes} for key in ashby_keys],
        verification_key=employer.verification_key,
        portal_url=f"{employer.portal.url}/ashby/",
    )
