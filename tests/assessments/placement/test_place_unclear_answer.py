"""Placement that Justifacts answers with an error which neither accepts nor refuses the order."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
import time_machine

from assessments.models import Order
from assessments.placement.next_call import make_next_call
from assessments.support import decisions
from integrations.models import Connection
from tests.fixtures.world import World

TOMCAT = "<!doctype html><html><head><title>HTTP Status 404 – Not Found</title></head><body></body></html>"
NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
TAKEN = {"success": True, "results": {"assessment_id": "JF-7"}}
UNCLEAR = [
    pytest.param(
        {"success": False, "errors": ["generic_internal_error"]}, "generic_internal_error", id="server"
    ),
    pytest.param({"success": False, "errors": ["err_5012"]}, "err_5012", id="code never seen"),
    pytest.param({"success": False, "message": "Closed on Sundays"}, "Closed on Sundays", id="no code"),
    pytest.param({"success": False}, "Justifacts gave no reason.", id="no text"),
    pytest.param({"success": False, "errors": ["already_exists"]}, "already_exists", id="duplicate"),
]
ERROR_AND_CONFLICT = pytest.mark.parametrize("code", ["generic_internal_error", "already_exists"])


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    world.justifacts("assessment.status", NOT_FOUND)
    return world.start()


def after(world: World, clock: time_machine.Traveller, order: Order, *seconds: float) -> Order:
    for wait in seconds:
        clock.shift(wait)
        world.work()
    order.refresh_from_db()
    return order


def starts(world: World) -> int:
    return len(world.sent("assessment.start"))


def test_a_404_page_delays_the_placement_and_causes_no_second_order(world, clock, order) -> None:
    world.justifacts("assessment.start", TOMCAT, 404, content_type="text/html")
    world.justifacts("assessment.status", TOMCAT, 404, content_type="text/html")
    after(world, clock, order, 0)
    problem = Connection.objects.get(pk=world.acme.connection.pk).justifacts_problem
    assert problem == (
        "justifacts.test answered 404 with a page that is not the protocol's: a proxy, or a server that is "
        "restarting. The portal tries again."
    )
    after(world, clock, order, 2)
    world.justifacts("assessment.status", NOT_FOUND)
    world.justifacts("assessment.start", TAKEN)
    after(world, clock, order, 5, 10, 10)
    assert (order.status, order.justifacts_order_id, order.needs_attention) == ("received", "JF-7", False)
    assert starts(world) == 2
    assert world.delivered(order) == ["Justifacts Received"]
    assert not Connection.objects.get(pk=world.acme.connection.pk).justifacts_problem


@pytest.mark.parametrize(("body", "words"), UNCLEAR)
def test_an_order_accepted_despite_an_unclear_answer_is_linked(world, clock, order, body, words) -> None:
    world.justifacts("assessment.start", body)
    after(world, clock, order, 0)
    assert (order.status, order.next_call) == ("accepted", "look_up")
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": "JF-3"}})
    after(world, clock, order, 2)
    assert (order.status, order.justifacts_order_id, order.placing_refusal) == ("received", "JF-3", "")
    assert starts(world) == 1


@pytest.mark.parametrize(("body", "words"), UNCLEAR)
def test_an_unclear_answer_repeated_on_the_second_placement_is_a_refusal(
    world, clock, order, body, words
) -> None:
    world.justifacts("assessment.start", body)
    after(world, clock, order, 0, 2, 9)
    assert starts(world) == 1, "not found counts only if it is repeated"
    after(world, clock, order, 1)
    assert (starts(world), order.status) == (2, "accepted"), (
        "Justifacts may have accepted the second placement"
    )
    after(world, clock, order, 2, 10)
    assert starts(world) == 2
    assert (order.status, order.closing_reason, order.next_call) == ("rejected", words, "")
    assert world.sent("assessment.update")[-1]["cancelled_reason"]["value"] == words
    keys = [c.request.headers["Idempotency-Key"] for c in world.wire.calls if "start" in c.request.url]
    assert keys == [str(order.pk)] * 2


@ERROR_AND_CONFLICT
def test_a_second_placement_accepted_despite_an_unclear_answer_is_linked(world, clock, order, code) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": [code]})
    after(world, clock, order, 0, 2, 10)
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": "JF-3"}})
    after(world, clock, order, 2)
    assert (starts(world), order.status, order.justifacts_order_id) == (2, "received", "JF-3")
    assert (order.placing_refusal, order.placing_refusal_repeated) == ("", False)


@ERROR_AND_CONFLICT
def test_a_second_placement_that_succeeds_clears_the_first_answer(world, clock, order, code) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": [code]})
    after(world, clock, order, 0, 2)
    world.justifacts("assessment.start", TAKEN)
    after(world, clock, order, 10)
    assert (order.status, order.justifacts_order_id, order.placing_refusal) == ("received", "JF-7", "")
    assert starts(world) == 2


def test_a_different_answer_to_the_second_placement_needs_attention(world, clock, order) -> None:
    """Otherwise two alternating errors would place the order again and again."""
    world.justifacts("assessment.start", {"success": False, "errors": ["err_1"]})
    after(world, clock, order, 0, 2)
    world.justifacts("assessment.start", {"success": False, "errors": ["err_2"]})
    after(world, clock, order, 10)
    assert starts(world) == 2
    assert order.needs_attention
    assert "err_2" in order.attention_reason
    after(world, clock, order, *[600] * 20)
    assert (starts(world), order.status) == (2, "accepted")
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": "JF-3"}})
    after(world, clock, order, 3600)
    assert (order.status, order.justifacts_order_id, order.needs_attention) == ("received", "JF-3", False)


def test_a_repeated_unclear_answer_is_recognized_after_a_timeout(world, clock, order) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": ["err_1"]})
    after(world, clock, order, 0, 2)
    world.justifacts("assessment.start", requests.ReadTimeout())
    after(world, clock, order, 10)
    world.justifacts("assessment.start", {"success": False, "errors": ["ERR-1"]})
    after(world, clock, order, 2, 10, 10, 2, 10)
    assert (starts(world), order.status) == (3, "rejected")


@pytest.mark.parametrize(
    "answer", [requests.ReadTimeout(), {"success": False, "errors": ["busy"]}], ids=["time-out", "temporary"]
)
def test_a_resubmitted_order_is_judged_by_its_own_answer(world, clock, order, answer) -> None:
    """Two identical refusals came before; a timeout after them is not a refusal."""
    world.justifacts("assessment.start", {"success": False, "errors": ["err_1"]})
    after(world, clock, order, 0, 2, 10, 0)
    world.justifacts("assessment.status", TOMCAT, 502)
    after(world, clock, order, 2, 5, 15)
    assert (starts(world), order.needs_attention) == (2, True)
    world.justifacts("assessment.status", NOT_FOUND)
    world.justifacts("assessment.start", answer)
    decisions.resubmit_order(order.pk, "ann", "They have no such order.")
    after(world, clock, order, 0, 2, 10, 10)
    assert order.status == "accepted"
    world.justifacts("assessment.start", TAKEN)
    after(world, clock, order, *[60] * 5)
    assert (order.status, order.justifacts_order_id) == ("received", "JF-7")


@pytest.mark.parametrize("code", ["temporarily_unavailable", "timeout", "too_many_requests", "Rate-Limited"])
@pytest.mark.parametrize("status", [200, 400])
def test_a_temporary_error_on_every_placement_is_no_refusal(
    world, clock, order, code: str, status: int
) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": [code]}, status)
    after(world, clock, order, 0, 2, 60, 60)
    assert starts(world) == 2
    after(world, clock, order, 10, 10, 60)
    assert starts(world) == 3, "an unclear answer would be a refusal by now"
    assert (order.status, order.next_call, order.needs_attention) == ("accepted", "look_up", False)


def test_a_temporary_error_is_retried_with_backoff_and_never_a_refusal(world, clock, order) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": ["temporarily_unavailable"]})
    after(world, clock, order, *[5] * 60)
    assert 3 <= starts(world) <= 5
    assert (order.status, order.needs_attention) == ("accepted", False)
    after(world, clock, order, *[120] * 45)
    assert order.needs_attention
    assert order.attention_reason.startswith("Justifacts has not accepted the order for more than an hour")
    before = starts(world)
    after(world, clock, order, *[600] * 12)
    assert before < starts(world) <= before + 3, "retries continue"
    assert order.events.filter(kind="needs_attention").count() == 1
    world.justifacts("assessment.start", TAKEN)
    after(world, clock, order, *[600] * 8)
    assert (order.status, order.justifacts_order_id, order.needs_attention) == ("received", "JF-7", False)
    assert (order.placing_unavailable_since, order.placing_unavailable_count) == (None, 0)


def test_after_a_temporary_error_an_uncertain_look_up_blocks_placement(world, clock, order) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": ["temporarily_unavailable"]})
    world.justifacts("assessment.status", {"success": False, "errors": ["temporarily_unavailable"]})
    after(world, clock, order, 0, 2, 60, 60, 60)
    assert order.needs_attention
    assert "will not place the order again" in order.attention_reason
    world.justifacts("assessment.status", NOT_FOUND)
    after(world, clock, order, *[3600] * 5)
    assert starts(world) == 1


def test_a_conflict_after_a_possible_placement_is_looked_up(world, clock, order) -> None:
    """The first look-ups came too early: "already being assessed" is about the portal's own order."""
    world.justifacts("assessment.start", requests.ReadTimeout())
    after(world, clock, order, 0, 2, 10)
    world.justifacts("assessment.start", {"message": "This candidate is being assessed already."}, 409)
    after(world, clock, order, 10)
    assert (starts(world), order.status) == (2, "accepted")
    world.justifacts("assessment.status", {"success": True, "results": {"assessment_id": "JF-3"}})
    after(world, clock, order, 2)
    assert (order.status, order.justifacts_order_id) == ("received", "JF-3")


def test_a_conflict_on_the_first_placement_is_a_refusal(world, clock, order) -> None:
    world.justifacts("assessment.start", {"message": "This candidate is being assessed already."}, 409)
    assert make_next_call(order.pk)
    order.refresh_from_db()
    assert (order.status, order.closing_reason) == ("rejected", "This candidate is being assessed already.")


def test_an_order_cancelled_meanwhile_is_not_placed_again(world, clock, order) -> None:
    world.justifacts("assessment.start", {"success": False, "errors": ["temporarily_unavailable"]})
    after(world, clock, order, 0)
    assert world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)}).status_code == 200
    after(world, clock, order, 2, 10, 60, 3600)
    assert (starts(world), order.status, order.next_call) == (1, "cancelled", "")
    assert not order.needs_attention
