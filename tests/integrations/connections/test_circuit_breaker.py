"""A side that fails again and again rests; one call at a time tries whether it works again."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from assessments.insights.health import oldest_due
from assessments.models import Order
from assessments.support.retry import retry
from integrations.connections.circuit_breaker import OPENS_AFTER, allow_request
from integrations.connections.endpoints import Endpoint
from integrations.connections.health import record_call_result
from integrations.http.errors import BudgetSpent, NotSent, Refused, Unauthorized, Unknown
from integrations.models import Connection
from tests.fixtures.world import World

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


def acme(world: World) -> Connection:
    return Connection.objects.select_related("organization").get(pk=world.acme.connection.pk)


def fail(world: World, times: int, failure: Exception | None = None) -> None:
    for _ in range(times):
        record_call_result(
            acme(world), Endpoint.JUSTIFACTS, failure or Unknown("No answer."), datetime.now(UTC)
        )


def may_call(world: World) -> bool:
    return allow_request(acme(world), Endpoint.JUSTIFACTS, datetime.now(UTC))


def test_after_failures_in_a_row_calls_rest_and_the_connection_says_so(world: World) -> None:
    fail(world, OPENS_AFTER - 1)
    assert may_call(world)
    fail(world, 1)
    assert not may_call(world)
    assert "Calls to Justifacts are blocked" in acme(world).justifacts_problem


@pytest.mark.anywhere
def test_one_caller_gets_the_probe_and_its_success_closes_the_breaker(world: World, clock) -> None:
    fail(world, OPENS_AFTER)
    clock.shift(5)
    stale = [acme(world) for _ in range(8)]
    through = [allow_request(connection, Endpoint.JUSTIFACTS, datetime.now(UTC)) for connection in stale]
    assert through.count(True) == 1
    record_call_result(stale[0], Endpoint.JUSTIFACTS, None, datetime.now(UTC))
    assert acme(world).justifacts_problem == ""
    assert [may_call(world) for _ in range(3)] == [True] * 3


@pytest.mark.anywhere
@pytest.mark.parametrize("ended", [Unknown("No answer."), NotSent("Away."), Unauthorized("Who?"), None])
def test_the_result_of_a_call_is_one_update_of_the_connection(
    world: World, ended, django_assert_num_queries
) -> None:
    fail(world, OPENS_AFTER)
    connection = acme(world)
    with django_assert_num_queries(1):
        record_call_result(connection, Endpoint.JUSTIFACTS, ended, datetime.now(UTC))


@pytest.mark.anywhere
def test_failures_of_workers_that_read_the_row_before_are_all_counted(world: World) -> None:
    stale = acme(world)
    for _ in range(OPENS_AFTER):
        record_call_result(stale, Endpoint.JUSTIFACTS, Unknown("No answer."), datetime.now(UTC))
    assert not may_call(world)
    assert "Calls to Justifacts are blocked" in acme(world).justifacts_problem


@pytest.mark.anywhere
def test_each_failed_try_makes_the_rest_longer_up_to_half_a_minute(world: World, clock) -> None:
    fail(world, OPENS_AFTER)
    for rest in (5, 10, 20, 30, 30):
        clock.shift(rest - 1)
        assert not may_call(world), rest
        clock.shift(1)
        assert may_call(world), rest
        fail(world, 1)


def test_a_probe_whose_process_dies_is_followed_by_another(world: World, clock) -> None:
    fail(world, OPENS_AFTER)
    clock.shift(5)
    assert may_call(world)
    clock.shift(19)
    assert not may_call(world)
    clock.shift(1)
    assert may_call(world)


@pytest.mark.parametrize("answer", [Refused("No."), Unauthorized("Who?"), None])
def test_an_answer_closes_the_breaker(world: World, answer) -> None:
    fail(world, OPENS_AFTER - 1)
    record_call_result(acme(world), Endpoint.JUSTIFACTS, answer, NINE)
    fail(world, 1)
    assert may_call(world)


def test_our_own_budget_is_no_failure_of_theirs(world: World, clock) -> None:
    for _ in range(OPENS_AFTER + 1):
        record_call_result(acme(world), Endpoint.ASHBY, BudgetSpent("Used up.", retry_after=3), NINE)
    assert (acme(world).ashby_failures, acme(world).ashby_problem) == (0, "")
    assert not allow_request(acme(world), Endpoint.ASHBY, NINE)
    assert allow_request(acme(world), Endpoint.ASHBY, NINE + timedelta(seconds=3))


def test_the_other_side_and_other_organizations_go_on(world: World) -> None:
    fail(world, OPENS_AFTER)
    assert allow_request(acme(world), Endpoint.ASHBY, NINE)
    globex = Connection.objects.get(pk=world.globex.connection.pk)
    assert allow_request(globex, Endpoint.JUSTIFACTS, NINE)


def test_an_order_waits_for_the_rest_to_end_and_is_placed(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    fail(world, OPENS_AFTER)
    world.justifacts_takes("JF-1")
    world.work()
    assert not world.sent("assessment.start")
    clock.shift(5)
    world.work()
    assert Order.objects.get(pk=order.pk).justifacts_order_id == "JF-1"


def test_a_person_need_not_wait_for_the_rest_to_end(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    fail(world, OPENS_AFTER, NotSent("Away."))
    world.justifacts_takes("JF-1")
    retry(order.pk, "Ada")
    world.work()
    assert Order.objects.get(pk=order.pk).justifacts_order_id == "JF-1"


def test_work_that_waits_for_a_failing_endpoint_is_not_overdue(world: World, clock) -> None:
    world.start()
    fail(world, OPENS_AFTER)
    clock.shift(timedelta(minutes=10))
    assert oldest_due(datetime.now(UTC)) is None
    record_call_result(acme(world), Endpoint.JUSTIFACTS, None, datetime.now(UTC))
    assert oldest_due(datetime.now(UTC)) == timedelta(minutes=10)


def test_orders_that_waited_long_do_not_use_up_the_probes(world: World, clock) -> None:
    """Each of them is looked up first, which is decided without a call: found by ``make chaos``, seed
    42, where a broken side stayed closed for as many rests as there were orders."""
    world.ashby_takes_everything()
    orders = [world.start() for _ in range(5)]
    fail(world, OPENS_AFTER)
    clock.shift(timedelta(minutes=10))
    world.justifacts("assessment.status", {"success": False, "errors": ["assessment_not_found"]})
    world.justifacts("assessment.start", {"message": "No such package."}, 422)
    world.work()
    assert acme(world).justifacts_failures == 0
    assert {Order.objects.get(pk=order.pk).status for order in orders} == {"rejected"}
