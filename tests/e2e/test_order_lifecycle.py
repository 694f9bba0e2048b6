"""The lifecycle of an order, with the real processes, over real HTTP."""

import pytest

from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import on_embedded, on_services

pytestmark = pytest.mark.journey

LIFE = ["Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts", "Complete"]


@on_embedded
def test_an_order_runs_from_start_to_report_by_push_and_ashby_gets_each_status(portal: Portal) -> None:
    _runs_from_start_to_report(Employer(portal))


@on_services
def test_an_order_runs_from_start_to_report_by_poll_and_ashby_gets_each_status(portal: Portal) -> None:
    _runs_from_start_to_report(Employer(portal, push=False))


def _runs_from_start_to_report(employer: Employer) -> None:
    check = employer.start()
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    for number, status in enumerate(["Applicant Started", "In Process: Justifacts", "Complete"], start=3):
        result = {"result": "Clear"} if status == "Complete" else {}
        employer.step(check, status=status, **result)
        eventually(lambda n=number: len(employer.delivered(check)) >= n, f"Ashby gets {status}")
    eventually(lambda: employer.delivered(check) == LIFE, "Ashby has every update")

    order = eventually(lambda: _all_delivered(employer, check), "the portal knows that Ashby has it")
    assert (order["status"], order["result"]) == ("complete", "Clear")
    assert len(order["updates"]) == len(LIFE)
    assert len(employer.justifacts_orders(check)) == 1
    ledger = employer.seen("ledger")
    assert (ledger["placed_twice"], ledger["out_of_order"]) == (0, 0)


@on_services
def test_names_in_any_script_reach_justifacts_unchanged(portal: Portal) -> None:
    """Apostrophes, accents, other scripts, and emoji of several characters."""
    employer = Employer(portal)
    name = {"first_name": "Siobhán-Мария 山田", "last_name": "O’Neil-D'Arcy 👩🏽\u200d⚖️ بن"}
    check = employer.start(candidate={**name, "email": "s.oneil@example.com"})
    (order,) = eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    assert {key: order["body"]["candidate"][key] for key in name} == name


@on_services
def test_a_cancellation_reaches_both_partners(portal: Portal) -> None:
    """The recruiter cancels after Justifacts has begun."""
    employer = Employer(portal)
    check = employer.start()
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    assert employer.control("ashby/cancel", org=employer.slug, assessment_id=check)["status"] == 200
    eventually(
        lambda: employer.justifacts_orders(check)[0]["cancel_requested_at"],
        "Justifacts gets the cancellation",
    )
    eventually(lambda: employer.delivered(check)[-1:] == ["Cancelled in Ashby"], "Ashby gets the end")
    assert employer.order(check)["status"] == "cancelled"


@on_embedded
def test_a_refused_key_pauses_deliveries_and_a_working_one_resumes_them_in_order(portal: Portal) -> None:
    """No update is lost while the key is refused, and none is out of order afterwards."""
    employer = Employer(portal)
    check = employer.start()
    eventually(lambda: employer.delivered(check) == LIFE[:1], "Ashby gets the first status")
    employer.fails("ashby", "wrong_key")
    for status in ("Applicant Started", "In Process: Justifacts"):
        employer.step(check, status=status, wait=True)
    eventually(lambda: employer.order(check)["updates"][1]["last_error"], "support sees why the update waits")
    assert employer.delivered(check) == LIFE[:1]
    employer.works_again("ashby")
    portal.manage("check_connection", employer.slug)
    eventually(lambda: employer.delivered(check) == LIFE[:4], "Ashby gets the rest in order")


def _all_delivered(employer: Employer, check: str) -> dict | None:
    order = employer.order(check)
    return order if {update["state"] for update in order["updates"]} == {"delivered"} else None
