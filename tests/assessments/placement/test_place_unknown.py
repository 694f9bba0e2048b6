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

UNKNOWN = [
    pytest.param({"body": requests.ReadTimeout("read timed out")}, id="read time-out"),
    pytest.param({"body": RESET}, id="reset"),
    pytest.param({"body": requests.exceptions.ChunkedEncodingError("broken")}, id="broken off"),
    *[pytest.param({"body": ENVELOPE, "status": s}, id=f"{s}") for s in (408, 425, 500, 502, 599)],
    *[pytest.param({"body": ENVELOPE, "status": s}, id=f"{s}") for s in (204, 304)],
    pytest.param(
        {"body": "", "status": 307, "headers": {"Location": "https://justifacts.test/x"}}, id="redirect"
    ),
    pytest.param({"body": "<html>Welcome</html>"}, id="a page"),
    *[
        pytest.param({"body": body, "status": s, "content_type": "text/html"}, id=f"{s} {body[:12]}")
        for s, body in (
            *(
                (s, "<!doctype html><title>HTTP Status 404 – Not Found</title>")
                for s in (400, 404, 405, 410, 422)
            ),
            *((s, body) for s in (401, 403, 404) for body in ("", "error code: 1010")),
        )
    ],
    *[
        pytest.param({"body": body, "status": 404}, id=body)
        for body in ('{"error": "Not Found"}', "[]", '["assessment_not_found"]', '"no"', '{"success": true}')
    ],
    *[
        pytest.param({"body": {"success": False, "errors": [code]}, "status": s}, id=f"{s} {code}")
        for s, code in (
            *((200, code) for code in ("generic_internal_error", "temporarily_unavailable", "TIMEOUT")),
            *((400, code) for code in ("generic_internal_error", "temporarily_unavailable")),
            (422, "too-many-requests"),
        )
    ],
    pytest.param({"body": {"success": False, "errors": ["err_5012"]}}, id="code never seen"),
    pytest.param({"body": {"success": False}}, id="no code"),
    pytest.param({"body": {"success": False, "errors": ["duplicate_reference"]}, "status": 409}, id="409"),
    pytest.param({"body": b"\xff\xfe\x00"}, id="garbage"),
    pytest.param({"body": ""}, id="empty"),
    pytest.param({"body": "[" * 100_000}, id="deep"),
    pytest.param({"body": "[1]"}, id="a list"),
    pytest.param({"body": {"success": "true", "results": {"assessment_id": "JF-1"}}}, id="success as text"),
    pytest.param({"body": {"success": True, "results": {}}}, id="no order number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": "  "}}}, id="blank number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": None}}}, id="null number"),
    pytest.param({"body": {"success": True, "results": {"assessment_id": True}}}, id="true as number"),
    pytest.param({"body": {"success": True, "results": [1]}}, id="results as a list"),
    pytest.param({"body": b'{"success": true, "x": "' + b"x" * 1024 * 1024 + b'"}'}, id="more than 1 MB"),
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
    pytest.param({"body": requests.ConnectTimeout()}, 3, id="no connection"),
    pytest.param({"body": requests.ReadTimeout()}, 3, id="time-out"),
    pytest.param({"body": "oops", "status": 500}, 3, id="500"),
    pytest.param({"body": "busy", "status": 503}, 3, id="503"),
    pytest.param({"body": "<html>Log in</html>"}, 3, id="a page"),
    pytest.param({"body": {"success": True, "results": {}}}, 3, id="no number"),
    pytest.param(
        {"body": {"success": True, "results": {"assessment_id": "JF-9", "reference_id": "another"}}},
        3,
        id="another order",
    ),
    pytest.param({"body": {"success": False, "errors": ["unknown_method"]}}, 1, id="no such call"),
    pytest.param({"body": {"message": "Not found"}, "status": 404}, 1, id="404 with a message"),
    pytest.param({"body": {"success": False, "errors": ["not_found"]}}, 1, id="not found, and not what"),
    pytest.param({"body": {"success": False}, "status": 401}, 1, id="401"),
    pytest.param({"body": "<h1>404</h1>", "status": 404}, 3, id="404 page"),
    pytest.param({"body": "", "status": 401}, 3, id="401 without the protocol"),
    pytest.param({"body": {"error": "assessment_not_found"}, "status": 404}, 3, id="another 404"),
    pytest.param({"body": {"success": False, "errors": ["internal_error"]}}, 3, id="server code"),
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
