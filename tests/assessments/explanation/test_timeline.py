"""Everything that happened to an order, in one list."""

import pytest
import requests

from assessments.explanation.timeline import Moment, sources, timeline
from assessments.models import Order
from tests.fixtures.world import World

INVALID = {
    "success": False,
    "errors": ["invalid_input"],
    "errorInfo": {"code": "invalid_input", "message": "metadata is not valid"},
}


def whats(order: Order) -> list[str]:
    return [moment.what for moment in timeline(order)]


def find(order: Order, text: str) -> Moment:
    (found,) = [moment for moment in timeline(order) if text in moment.what]
    return found


@pytest.fixture
def told(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    return order


def test_the_newest_comes_first_and_everybody_speaks(told: Order) -> None:
    found = timeline(told)
    assert [moment.at for moment in found] == sorted((moment.at for moment in found), reverse=True)
    said = " | ".join(whats(told))
    for text in (
        "Ashby called assessment.start: 200 accepted",
        "Ashby started “Basic” for this application.",
        "The order was sent to Justifacts: answered.",
        "Justifacts took the order as number JF-2026-1.",
        "Justifacts called assessment.update: 200 applied",
        "Ashby accepted “Applicant Started” after 1 attempt.",
    ):
        assert text in said
    assert [source for source, _who in sources(found)] == ["ashby", "justifacts", "portal"]


def test_what_went_over_the_wire_is_folded_without_the_candidates_data(told: Order) -> None:
    moment = find(told, "Ashby accepted “Started”")
    details = {detail.label: detail.text for detail in moment.details}
    assert details["Ashby’s request id"] == "ashby-req-1"
    assert '"value": "Started"' in details["Request body"]
    everything = " ".join(detail.text for moment in timeline(told) for detail in moment.details)
    assert "zoe.oneil@example.com" not in everything
    assert "O'Neil" not in everything


def test_many_failed_tries_are_one_line(world: World) -> None:
    order = world.placed()
    world.ashby("assessment.update", "down", 503)
    world.work()
    for _ in range(3):
        order.updates.update(next_attempt_at=order.created_at)
        world.work()
    moment = find(
        order, "Could not send “Justifacts Received” to Ashby (4 attempts): ashby.test answered 503."
    )
    assert moment.tone == "ask"
    assert len([detail for detail in moment.details if detail.label == "Attempt"]) == 4
    assert find(order, "“Justifacts Received” is waiting to be sent to Ashby.")


def test_what_ashby_refused_waits_for_a_person(world: World) -> None:
    order = world.placed()
    world.ashby("assessment.update", INVALID, 400)
    world.work()
    assert find(order, "“Justifacts Received” was refused by Ashby and needs attention.")


def test_a_lost_answer_of_justifacts_is_said(world: World) -> None:
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", "odd", 502)
    world.work()
    assert find(order, "The order was sent to Justifacts: justifacts.test did not answer in time.")
