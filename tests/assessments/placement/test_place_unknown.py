"""Placements with an unknown outcome: a second order would cost money."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
import time_machine
from urllib3.exceptions import ProtocolError

from assessments.models import CallAttempt, Order
from tests.fixtures.world import World

RESET = requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))
NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
ENVELOPE = {"success": True, "results": {"assessment_id": "JF-1"}}

#: A few; tests/integrations/justifacts/test_start_answers.py has every answer of which this is true.
UNKNOWN = [
    pytest.param({"body": requests.ReadTimeout("read timed out")}, id="read time-out"),
    pytest.param({"body": RESET}, id="reset"),
    *[pytest.param({"body": ENVELOPE, "status": s}, id=f"{s}") for s in (204, 408, 502)],
    pytest.param({"body": "error code: 1010", "status": 403, "content_type": "text/html"}, id="403 page"),
    pytest.param({"body": {"success": False, "errors": ["TIMEOUT"]}}, id="a code about the server"),
    pytest.param({"body": {"success": False, "errors": ["err_5012"]}}, id="code never seen"),
    pytest.param({"body": {"success": False, "errors": ["duplicate_reference"]}, "status": 409}, id="409"),
    pytest.param({"body": ""}, id="empty"),
    pytest.param({"body": {"success": True, "results": {}}}, id="no order number"),
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def unknown_order(world: World) -> Order:
    """An order whose placement ended with a timeout."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.work()
    return order


def found(order: Order, number: str = "JF-1", **parts: object) -> dict:
    return {"success": True, "results": {"assessment_id": number, "reference_id": str(order.pk), **parts}}


def after(world: World, clock: time_machine.Traveller, order: Order, *seconds: float) -> Order:
    for wait in seconds:
        clock.shift(wait)
        world.work()
    order.refresh_from_db()
    return order


@pytest.mark.parametrize("answer", UNKNOWN)
def test_an_unknown_placement_is_looked_up_and_linked(world: World, clock, answer) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", **answer)
    world.work()
    order.refresh_from_db()
    assert (order.status, order.next_call, order.needs_attention) == ("accepted", "look_up", False)
    assert order.last_call_error
    assert CallAttempt.objects.get().outcome == "unknown"

    world.justifacts("assessment.status", found(order, "JF-3"))
    after(world, clock, order, 2)
    assert (order.status, order.justifacts_order_id, order.next_call) == ("received", "JF-3", "poll")
    assert world.sent("assessment.status") == [{"reference_id": str(order.pk)}]
    assert len(world.sent("assessment.start")) == 1
    assert world.delivered(order) == ["Justifacts Received"]


def test_a_status_in_the_look_up_answer_is_applied(world: World, clock, unknown_order: Order) -> None:
    parts = {"assessment_status": {"value": "In Process: Justifacts"}, "timestamp": 5}
    world.justifacts("assessment.status", found(unknown_order, **parts))
    after(world, clock, unknown_order, 2)
    assert world.delivered(unknown_order) == ["Justifacts Received", "In Process: Justifacts"]


def test_two_not_found_answers_ten_seconds_apart_allow_placement(world, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", RESET)
    world.justifacts("assessment.status", NOT_FOUND)
    world.work()
    after(world, clock, order, 2, 9)
    assert len(world.sent("assessment.status")) == 1
    world.justifacts_takes("JF-2")
    after(world, clock, order, 1)
    assert order.justifacts_order_id == "JF-2"


def test_after_a_timeout_not_found_counts_only_later(world, clock, unknown_order) -> None:
    world.justifacts("assessment.status", NOT_FOUND)
    assert not world.sent("assessment.status"), "Justifacts may still be working on the order"
    after(world, clock, unknown_order, 2, 10, 9)
    assert len(world.sent("assessment.status")) == 2
    assert len(world.sent("assessment.start")) == 1
    world.justifacts_takes("JF-2")
    after(world, clock, unknown_order, 1)
    assert unknown_order.justifacts_order_id == "JF-2"
    starts = world.sent("assessment.start")
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert {
        call.request.headers["Idempotency-Key"] for call in world.wire.calls if "start" in call.request.url
    } == {str(unknown_order.pk)}


def test_an_order_that_appears_late_at_justifacts_is_not_placed_again(world, clock, unknown_order) -> None:
    world.justifacts("assessment.status", NOT_FOUND)
    after(world, clock, unknown_order, 2)
    world.justifacts("assessment.status", found(unknown_order, "JF-LATE"))
    after(world, clock, unknown_order, 10)
    assert unknown_order.justifacts_order_id == "JF-LATE"
    assert len(world.sent("assessment.start")) == 1


def test_a_second_unknown_placement_is_looked_up_twice_again(world, clock, unknown_order) -> None:
    world.justifacts("assessment.status", NOT_FOUND)
    after(world, clock, unknown_order, 2, 10, 10)
    assert len(world.sent("assessment.start")) == 2
    after(world, clock, unknown_order, 2)
    assert (unknown_order.next_call, unknown_order.not_found_count) == ("look_up", 1)
    assert len(world.sent("assessment.start")) == 2


UNCERTAIN = [
    pytest.param({"body": requests.ReadTimeout()}, 3, id="time-out"),
    pytest.param({"body": "busy", "status": 503}, 3, id="503"),
    pytest.param({"body": "<html>Log in</html>"}, 3, id="a page"),
    pytest.param(
        {"body": {"success": True, "results": {"assessment_id": "JF-9", "reference_id": "another"}}},
        3,
        id="another order",
    ),
    pytest.param({"body": {"success": False, "errors": ["unknown_method"]}}, 1, id="no such call"),
    pytest.param({"body": {"message": "Not found"}, "status": 404}, 1, id="404 with a message"),
    pytest.param({"body": {"success": False, "errors": ["not_found"]}}, 1, id="not found, and not what"),
    pytest.param({"body": "", "status": 401}, 3, id="401 without the protocol"),
    pytest.param({"body": {"error": "assessment_not_found"}, "status": 404}, 3, id="another 404"),
    pytest.param({"body": {"success": False, "errors": ["err_5012"]}}, 3, id="code never seen"),
]


@pytest.mark.parametrize(("answer", "times"), UNCERTAIN)
def test_without_a_certain_answer_the_order_needs_attention_and_is_not_placed(
    world: World, clock, unknown_order: Order, answer: dict, times: int
) -> None:
    world.justifacts("assessment.status", **answer)
    for _ in range(times):
        assert not after(world, clock, unknown_order).needs_attention
        after(world, clock, unknown_order, 60)
    assert unknown_order.needs_attention
    assert unknown_order.attention_reason.startswith("It is unknown whether Justifacts accepted the order")
    assert "will not place the order again" in unknown_order.attention_reason
    assert (unknown_order.status, unknown_order.justifacts_order_id) == ("accepted", "")

    world.justifacts("assessment.status", NOT_FOUND)
    after(world, clock, unknown_order, *[3600] * 3)
    assert unknown_order.attention_reason.startswith("Justifacts now says that it has no such order.")
    assert unknown_order.next_call == "look_up"
    assert len(world.sent("assessment.start")) == 1

    world.justifacts("assessment.status", found(unknown_order, "JF-10"))
    after(world, clock, unknown_order, 3600)
    assert (unknown_order.status, unknown_order.justifacts_order_id) == ("received", "JF-10")
    assert (unknown_order.needs_attention, unknown_order.attention_reason) == (False, "")
    assert len(world.sent("assessment.start")) == 1
    assert world.delivered(unknown_order) == ["Justifacts Received"]


def test_only_consecutive_not_found_answers_count(world, clock, unknown_order) -> None:
    for body, status, wait in ((NOT_FOUND, 200, 2), ("", 500, 10), (NOT_FOUND, 200, 5)):
        world.justifacts("assessment.status", body, status)
        after(world, clock, unknown_order, wait)
    assert len(world.sent("assessment.start")) == 1
    assert len(world.sent("assessment.status")) == 3
    world.justifacts_takes("JF-1")
    after(world, clock, unknown_order, 10)
    assert unknown_order.justifacts_order_id == "JF-1"


def test_an_http_404_in_the_envelope_counts_as_not_found(world, clock, unknown_order) -> None:
    world.justifacts("assessment.status", NOT_FOUND, 404)
    world.justifacts_takes("JF-1")
    after(world, clock, unknown_order, 2, 10, 10)
    assert unknown_order.justifacts_order_id == "JF-1"
