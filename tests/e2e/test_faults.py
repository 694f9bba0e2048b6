"""Processes die, connections break, the broker is wiped: each accepted start is one order at Justifacts or
needs attention."""

import signal
import time

import pytest
import redis

from tests.e2e.portal.processes import ROOT, Employer, Portal, eventually
from tests.fixtures.servers.portals import on_embedded, on_services

pytestmark = pytest.mark.journey


@on_services
def test_a_worker_crash_during_placement_leads_to_one_order(portal: Portal) -> None:
    """Justifacts accepts the order slowly; the worker is killed before the answer. The portal looks the
    order up instead of placing it again."""
    employer = Employer(portal, push=False)
    employer.fails("justifacts", "hang", call="assessment.start", seconds=8, after=True, count=1)
    check = employer.start()
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    portal.end("worker")
    portal.start("worker")
    order = eventually(lambda: _with_number(employer, check), "the order is adopted", 60)
    assert order["justifacts_order_id"] == employer.justifacts_orders(check)[0]["id"]
    assert "placing_interrupted" in {event["kind"] for event in order["events"]}
    assert len(employer.justifacts_orders(check)) == 1
    assert employer.seen("ledger")["placed_twice"] == 0


@on_embedded
def test_a_terminated_worker_finishes_its_current_task(portal: Portal) -> None:
    """SIGTERM arrives during a call of six seconds: the worker records the outcome, then ends."""
    employer = Employer(portal, push=False)
    employer.fails("justifacts", "slow", call="assessment.start", seconds=6, count=1)
    check = employer.start()
    eventually(lambda: _is_called(employer), "the call is under way")
    began = time.monotonic()
    portal.end("worker", signal.SIGTERM)
    assert time.monotonic() - began < 25
    order = employer.order(check)
    portal.start("worker")
    assert order["justifacts_order_id"] == employer.justifacts_orders(check)[0]["id"]
    assert [attempt["outcome"] for attempt in order["attempts"]] == ["taken"]


@on_services
def test_an_unresponsive_worker_restarts_itself(portal: Portal) -> None:
    """After a restart of Redis, Celery can hang in its reconnection: alive, but unresponsive."""
    employer = Employer(portal)
    portal.running["scheduler"].send_signal(signal.SIGSTOP)
    portal.end("worker")
    worker = portal.commands["worker"].replace(
        "celery ", "python -m tests.e2e.portal.unresponsive_worker ", 1
    )
    portal.commands["deaf"] = worker
    portal.environment["PYTHONPATH"] = str(ROOT)
    portal.start("deaf")
    log = portal.folder / "deaf.log"
    eventually(lambda: "restarting this worker" in log.read_text(), "the worker gives up waiting")
    portal.running["scheduler"].send_signal(signal.SIGCONT)
    check = employer.start()
    eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
    assert portal.running["deaf"].poll() is None, "it is the same process"
    portal.end("deaf")
    portal.start("worker")


@on_embedded
def test_a_lost_answer_does_not_place_an_order_twice(portal: Portal) -> None:
    """Justifacts accepts the order, and the connection is cut before its answer."""
    employer = Employer(portal, push=False)
    employer.fails("justifacts", "cut_after", call="assessment.start", count=1)
    check = employer.start()
    order = eventually(lambda: _with_number(employer, check), "the order is adopted")
    assert {"placing_unknown", "adopted"} <= {event["kind"] for event in order["events"]}
    assert len(employer.justifacts_orders(check)) == 1


@on_embedded
def test_a_call_that_never_arrived_is_repeated_once(portal: Portal) -> None:
    """The connection is cut before Justifacts reads: the order is certainly absent, so it is placed
    again."""
    employer = Employer(portal, push=False)
    employer.fails("justifacts", "cut_before", call="assessment.start", count=1)
    check = employer.start()
    eventually(lambda: _with_number(employer, check), "the order is placed", 45)
    assert len(employer.justifacts_orders(check)) == 1


@on_embedded
def test_without_a_certain_answer_the_order_needs_attention_and_is_not_placed_again(portal: Portal) -> None:
    """Justifacts' status call is off, so only staff can find out."""
    employer = Employer(portal, status_call=False, push=False)
    employer.fails("justifacts", "cut_after", call="assessment.start", count=1)
    check = employer.start()
    order = eventually(lambda: _needs_attention(employer, check), "the order needs attention")
    assert "will not place the order again" in order["attention_reason"]
    assert len(employer.justifacts_orders(check)) == 1


@on_services
def test_wiping_the_broker_loses_nothing(portal: Portal) -> None:
    """The broker's storage is wiped again and again while orders run. The chaos test wipes the embedded
    one."""
    employer = Employer(portal)
    checks = []
    for _ in range(8):
        checks.append(employer.start())
        _wipe(portal)
    for check in checks:
        eventually(lambda c=check: employer.justifacts_orders(c), "Justifacts has the order")
        employer.step(check, status="Complete", result="Clear")
        _wipe(portal)
    for check in checks:
        eventually(lambda c=check: employer.delivered(c)[-1:] == ["Complete"], "Ashby gets the end")
        assert len(employer.justifacts_orders(check)) == 1


@on_embedded
def test_failures_of_ashby_delay_updates_and_lose_none(portal: Portal) -> None:
    """Six organizations, each with an Ashby that fails in another way: each gets all updates in the end, in
    order."""
    labels = ["Justifacts Received", "Started", "Applicant Started", "In Process: Justifacts"]
    checks = {}
    for mode in ("500", "503", "cut_after", "cut_before", "garbage", "success_false"):
        employer = Employer(portal)
        employer.fails("ashby", mode, count=1)
        checks[mode] = (employer, employer.start())
    for employer, check in checks.values():
        eventually(lambda e=employer, c=check: e.justifacts_orders(c), "Justifacts has the order")
        for status in ("Applicant Started", "In Process: Justifacts"):
            employer.step(check, status=status)
    for mode, (employer, check) in checks.items():
        eventually(lambda e=employer, c=check: e.delivered(c) == labels, f"Ashby ({mode}) has every update")
        assert employer.seen("ledger")["out_of_order"] == 0


def _is_called(employer: Employer) -> bool:
    """The call for which the sandbox's switch was set turns it off."""
    failures = employer.seen("failures")["failures"]
    return not any(one["org"] == employer.slug for one in failures)


def _with_number(employer: Employer, check: str) -> dict | None:
    order = employer.order(check)
    return order if order["justifacts_order_id"] else None


def _needs_attention(employer: Employer, check: str) -> dict | None:
    order = employer.order(check)
    return order if order["needs_attention"] else None


def _wipe(portal: Portal) -> None:
    with redis.Redis.from_url(portal.environment["CELERY_BROKER_URL"]) as broker:
        broker.flushdb()
