"""Orders are polled in batches; a failure of one order does not affect another."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import responses
import time_machine

from assessments.models import Order
from assessments.placement.next_call import make_next_call
from assessments.support.retry import poll_now
from assessments.tracking.poll import poll
from integrations.connections.connect import connect
from tests.fixtures.world import JUSTIFACTS, World, basic, data

OTHER_SIDE = "https://elsewhere.test/jf/"


@pytest.fixture(autouse=True)
def clock(settings) -> Iterator[time_machine.Traveller]:
    settings.POLL_INTERVAL_SECONDS = 300
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def acme_order(world: World) -> Order:
    world.ashby_takes_everything()
    return world.placed("JF-1")


@pytest.fixture
def globex_order(world: World) -> Order:
    """Globex's order, whose Justifacts has its own URL."""
    connect("Globex", slug="globex", staging_base_url=OTHER_SIDE)
    body = world.start_body(assessment_type_id=str(world.globex.basic.assessment_type_id))
    answer = world.call("/ashby/assessment.start", body, key=world.globex.verification_key)
    order = Order.objects.get(pk=answer.json()["results"]["assessment_id"])
    taken = {"success": True, "results": {"assessment_id": "GX-1"}}
    world.wire.add(responses.POST, f"{OTHER_SIDE}assessment.start", json=taken)
    make_next_call(order.pk)
    order.refresh_from_db()
    return order


def answers(world: World, base: str = JUSTIFACTS, meanwhile: Any = None) -> None:
    """Justifacts answers that each order has started."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict, str]:
        if meanwhile:
            meanwhile()
        number = json.loads(request.body)["assessment_id"]
        label = {"assessment_id": number, "assessment_status": data("status", "Applicant Started")}
        return 200, {}, json.dumps({"success": True, "results": label})

    world.wire.add_callback(responses.POST, f"{base}assessment.status", callback=answer)


def status(order: Order) -> str:
    order.refresh_from_db()
    return order.status


@pytest.mark.parametrize("trouble", ["500", "cut", "garbage", "no key", "401"])
def test_a_failing_organization_does_not_affect_another(
    world, clock, acme_order, globex_order, trouble
) -> None:
    clock.shift(300)
    answers(world)
    url = f"{OTHER_SIDE}assessment.status"
    if trouble == "no key":
        world.globex.connection.refresh_from_db()
        world.globex.connection.verification_key = ""
        world.globex.connection.save()
    elif trouble == "cut":
        world.wire.add(responses.POST, url, body=requests.ConnectionError())
    else:
        code = int(trouble) if trouble.isdigit() else 200
        world.wire.add(responses.POST, url, body="<html>", status=code)
    assert poll([acme_order.pk, globex_order.pk]) == [acme_order.pk]
    assert (status(acme_order), status(globex_order)) == ("applicant_started", "received")
    assert globex_order.last_call_error
    assert not acme_order.last_call_error
    problems = []
    for tenant in (world.acme, world.globex):
        tenant.connection.refresh_from_db()
        problems.append(bool(tenant.connection.justifacts_problem))
    assert problems == [False, True]


def test_each_organization_is_polled_with_its_own_key_and_url(world, clock, acme_order, globex_order) -> None:
    clock.shift(300)
    answers(world)
    answers(world, OTHER_SIDE)
    assert set(poll([acme_order.pk, globex_order.pk])) == {acme_order.pk, globex_order.pk}
    polled = {
        c.request.url: c.request.headers["Authorization"]
        for c in world.wire.calls
        if c.request.url.endswith("assessment.status")
    }
    assert polled == {
        f"{JUSTIFACTS}assessment.status": basic(world.acme.verification_key),
        f"{OTHER_SIDE}assessment.status": basic(world.globex.verification_key),
    }


def test_an_order_listed_twice_in_a_batch_is_polled_once(world, clock, acme_order) -> None:
    clock.shift(300)
    answers(world)
    assert poll([acme_order.pk, acme_order.pk]) == [acme_order.pk]
    assert len(world.sent("assessment.status")) == 1


@pytest.mark.anywhere
def test_an_order_leased_by_another_worker_is_not_polled(world, clock, settings, acme_order) -> None:
    """A worker that died in the middle of a poll; others wait until its lease expires."""

    class WorkerDied(BaseException):
        pass

    def crash() -> None:
        raise WorkerDied

    clock.shift(300)
    answers(world, meanwhile=crash)
    with pytest.raises(WorkerDied):
        poll([acme_order.pk])
    world.wire.remove(responses.POST, f"{JUSTIFACTS}assessment.status")
    answers(world)
    assert poll([acme_order.pk]) == []
    assert len(world.sent("assessment.status")) == 1
    clock.shift(settings.LEASE_SECONDS)
    assert poll([acme_order.pk]) == [acme_order.pk]


def test_a_batch_is_polled_concurrently(world, clock) -> None:
    world.ashby_takes_everything()
    orders = [world.placed(f"JF-{number}") for number in range(12)]
    world.work()
    clock.shift(300)
    answers(world)
    assert len(poll([order.pk for order in orders])) == 12
    assert {status(order) for order in orders} == {"applicant_started"}
    assert len(world.sent("assessment.status")) == 12


def test_a_disabled_organization_is_not_polled(world, clock, acme_order, globex_order) -> None:
    world.wire.add(responses.POST, f"{OTHER_SIDE}assessment.status", status=500)
    world.acme.connection.is_enabled = False
    world.acme.connection.save()
    clock.shift(300)
    world.work()
    assert {c.request.url for c in world.wire.calls if "assessment.status" in c.request.url} == {
        f"{OTHER_SIDE}assessment.status"
    }


def test_staff_can_poll_an_order_before_it_is_due(world, clock, acme_order) -> None:
    answers(world)
    assert poll_now(acme_order.pk, "Ada")
    world.work()
    assert status(acme_order) == "applicant_started"
