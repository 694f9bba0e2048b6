"""Concurrent calls to several processes, on either database."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import on_embedded

pytestmark = pytest.mark.journey


def test_fifty_simultaneous_identical_starts_make_one_order(portal: Portal) -> None:
    """Every call gets the same assessment."""
    employer = Employer(portal)
    body = _start_body(employer)
    answers = _at_once([lambda: _ashby(employer, "assessment.start", body)] * 50)
    assert Counter(answer.status_code for answer in answers) == {200: 50}
    (check,) = {answer.json()["results"]["assessment_id"] for answer in answers}
    assert len({answer.text for answer in answers}) == 1
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    assert len(employer.seen("justifacts/orders")["orders"]) == 1
    assert employer.seen("ledger")["placed_twice"] == 0


def test_concurrent_starts_and_cancellations_agree_at_both_partners(portal: Portal) -> None:
    """Each start is cancelled during its placement: an order that Justifacts accepted is cancelled
    there."""
    employer = Employer(portal)
    employer.fails("justifacts", "slow", call="assessment.start", seconds=0.3)
    checks = [employer.start() for _ in range(10)]
    _at_once(
        [lambda c=check: _ashby(employer, "assessment.cancel", {"assessment_id": c}) for check in checks]
    )

    def settled() -> bool:
        return all(
            all(order["cancel_requested_at"] for order in employer.justifacts_orders(check))
            and employer.order(check)["updates"][-1]["state"] == "delivered"
            for check in checks
        )

    eventually(settled, "everything is cancelled where it was placed", 60)
    for check in checks:
        order = employer.order(check)
        assert order["status"] == "cancelled"
        assert employer.delivered(check).count("Cancelled in Ashby") == 1
        assert len(employer.justifacts_orders(check)) <= 1


@on_embedded
def test_a_change_seen_by_push_and_by_poll_is_delivered_once(portal: Portal) -> None:
    """Ten pushes of each status arrive while the portal polls every two seconds. On PostgreSQL,
    assessments/placement/test_concurrency.py tells a similar story within one process."""
    employer = Employer(portal)
    check = employer.start()
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    for status in ("Applicant Started", "In Process: Justifacts", "Complete"):
        employer.step(
            check, status=status, repeat=10, **({"result": "Clear"} if status == "Complete" else {})
        )
    labels = ["Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts", "Complete"]
    eventually(lambda: employer.delivered(check)[-1:] == ["Complete"], "Ashby gets the end")
    delivered = employer.delivered(check)
    assert delivered == [label for label in labels if label in delivered]
    assert delivered.count("Complete") == 1


def _start_body(employer: Employer) -> dict[str, Any]:
    types = _ashby(employer, "assessment.list", {}).json()["results"]
    return {
        "assessment_type_id": types[0]["assessment_type_id"],
        "candidate": {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com"},
        "application": {"ashby_id": str(uuid.uuid4()), "status": "Active"},
        "job": {"ashby_id": str(uuid.uuid4()), "name": "Analyst"},
    }


def _ashby(employer: Employer, name: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(
        f"{employer.portal.url}/ashby/{name}", json=body, auth=(employer.verification_key, ""), timeout=30
    )


def _at_once(calls: list[Callable[[], requests.Response]]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]
