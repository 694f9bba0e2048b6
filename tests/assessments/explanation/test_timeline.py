"""The timeline of an order."""

import pytest
import requests

from assessments.explanation.timeline import TimelineEntry, sources, timeline
from assessments.models import Order
from tests.fixtures.world import World

INVALID = {
    "success": False,
    "errors": ["invalid_input"],
    "errorInfo": {"code": "invalid_input", "message": "metadata is not valid"},
}


def texts(order: Order) -> list[str]:
    return [entry.what for entry in timeline(order)]


def find(order: Order, text: str) -> TimelineEntry:
    (found,) = [entry for entry in timeline(order) if text in entry.what]
    return found


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Applicant Started")
    world.work()
    return order


def test_entries_of_all_sources_are_listed_newest_first(order: Order) -> None:
    entries = timeline(order)
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
    listed = " | ".join(texts(order))
    for text in (
        "Ashby called assessment.start: 200 accepted",
        "Ashby started “Basic” for this application.",
        "The order was sent to Justifacts: answered.",
        "Justifacts accepted the order as number JF-2026-1.",
        "Justifacts called assessment.update: 200 applied",
        "Ashby accepted “Applicant Started” after 1 attempt.",
    ):
        assert text in listed
    assert [source for source, _who in sources(entries)] == ["ashby", "justifacts", "portal"]


def test_details_have_messages_without_candidate_data(order: Order) -> None:
    entry = find(order, "Ashby accepted “Started”")
    details = {detail.label: detail.text for detail in entry.details}
    assert details["Ashby’s request id"] == "ashby-req-1"
    assert '"value": "Started"' in details["Request body"]
    everything = " ".join(detail.text for entry in timeline(order) for detail in entry.details)
    assert "zoe.oneil@example.com" not in everything
    assert "O'Neil" not in everything


def test_failed_attempts_are_one_entry(world: World) -> None:
    order = world.placed()
    world.ashby("assessment.update", "down", 503)
    world.work()
    for _ in range(3):
        order.updates.update(next_attempt_at=order.created_at)
        world.work()
    entry = find(
        order, "Could not send “Justifacts Received” to Ashby (4 attempts): ashby.test answered 503."
    )
    assert entry.tone == "ask"
    assert len([detail for detail in entry.details if detail.label == "Attempt"]) == 4
    assert find(order, "“Justifacts Received” is waiting to be sent to Ashby.")


def test_a_refused_update_needs_attention(world: World) -> None:
    order = world.placed()
    world.ashby("assessment.update", INVALID, 400)
    world.work()
    assert find(order, "“Justifacts Received” was refused by Ashby and needs attention.")


def test_a_timeout_of_justifacts_is_shown(world: World) -> None:
    order = world.start()
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", "odd", 502)
    world.work()
    assert find(order, "The order was sent to Justifacts: justifacts.test did not answer in time.")
