"""The form of every update to Ashby."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from assessments.models import AshbyUpdate, Order
from tests.fixtures.world import World, data

TYPES = {"numeric_score", "numeric_duration_minutes", "url", "string", "boolean_success"}
PARTS = ("assessment_status", "assessment_profile_url", "assessment_result", "cancelled_reason")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def complete_order(world: World, clock: time_machine.Traveller, step: float = 0) -> tuple[Order, list[dict]]:
    """All updates that one check can cause; the clock moves by ``step`` seconds at each status."""
    world.ashby_takes_everything()
    answer = world.call("/ashby/assessment.start", world.start_body()).json()["results"]
    order = Order.objects.get(pk=answer["assessment_id"])
    world.justifacts_takes()
    world.work()
    order.refresh_from_db()
    words: list[tuple[str, dict[str, Any]]] = [
        ("Applicant Started", {}),
        ("On Hold", {}),
        ("In Process: Justifacts", {}),
        ("Complete", {"assessment_result": data("r", "Review")}),
        ("Complete", {"assessment_result": data("r", "Clear")}),
    ]
    for status, parts in words:
        clock.shift(step)
        assert world.push(order, status, timestamp=int(START.timestamp() * 1000), **parts).status_code == 200
        world.work()
    return order, [answer["update_request"], *world.sent("assessment.update")]


def cancelled_order(world: World) -> list[dict]:
    world.ashby_takes_everything()
    order = world.start()
    world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
    world.work()
    return world.sent("assessment.update")


@pytest.mark.parametrize("step", [0.0004, 60, -86400], ids=str)
def test_timestamps_grow_strictly_even_if_the_clock_goes_back(world: World, clock, step: float) -> None:
    """Several updates in one millisecond, and a clock that is set back."""
    _, updates = complete_order(world, clock, step)
    stamps = [body["timestamp"] for body in updates]
    assert len(stamps) == 8
    assert all(type(stamp) is int for stamp in stamps)
    assert stamps == sorted(set(stamps))


def test_the_timestamp_of_an_end_is_later_than_all_earlier_ones(world: World, clock) -> None:
    world.ashby_takes_everything()
    answer = world.call("/ashby/assessment.start", world.start_body()).json()["results"]
    clock.shift(-3600)
    world.call("/ashby/assessment.cancel", {"assessment_id": answer["assessment_id"]})
    world.work()
    [end] = world.sent("assessment.update")
    assert end["timestamp"] > answer["update_request"]["timestamp"]


def test_every_payload_follows_ashbys_rules(world: World, clock) -> None:
    order, updates = complete_order(world, clock)
    for body in [*updates, *cancelled_order(world)]:
        assert "null" not in json.dumps(body)
        assert set(body) <= {"assessment_id", "timestamp", "metadata", *PARTS}
        assert ("assessment_status" in body) != ("cancelled_reason" in body)
        assert ("assessment_result" in body) <= ("assessment_profile_url" in body)
        everything = [body[name] for name in PARTS if name in body] + body.get("metadata", [])
        for item in everything:
            assert set(item) - {"description"} == {"identifier", "label", "type", "value"}
            assert item["type"] in TYPES - {"boolean_success"}
            assert item["value"] not in ("", None)
        assert max(Counter(item["identifier"] for item in everything).values()) == 1
    assert {body["assessment_id"] for body in updates} == {str(order.pk)}


def test_an_identifier_names_the_same_thing_in_every_update(world: World, clock) -> None:
    _, updates = complete_order(world, clock)
    seen: dict[str, set[tuple[str, str]]] = {}
    for body in updates:
        for item in [body[name] for name in PARTS if name in body] + body.get("metadata", []):
            seen.setdefault(item["identifier"], set()).add((item["label"], item["type"]))
    assert all(len(shapes) == 1 for shapes in seen.values()), seen
    labels = [label for shapes in seen.values() for label, _ in shapes]
    assert len(labels) == len(set(labels))


def test_the_turnaround_is_in_minutes_from_start_to_completion(world: World, clock) -> None:
    """A later change of the result does not lengthen it."""
    _, updates = complete_order(world, clock, step=90)
    [review, clear] = [body["metadata"] for body in updates if "assessment_result" in body]
    assert review == clear
    assert {item["identifier"]: (item["type"], item["value"]) for item in clear} == {
        "package": ("string", "Basic"),
        "order_number": ("string", "JF-2026-1"),
        "turnaround": ("numeric_duration_minutes", 6),
    }


def test_a_turnaround_is_never_negative(world: World, clock) -> None:
    _, updates = complete_order(world, clock, step=-600)
    values = [item["value"] for item in updates[-1]["metadata"] if item["identifier"] == "turnaround"]
    assert values == [0]


def test_an_update_is_written_in_the_transaction_of_its_change(world: World) -> None:
    """The outbox holds it before any worker has run: in order, and due now."""
    order = world.placed()
    world.push(order, "Applicant Started")
    updates = AshbyUpdate.objects.filter(order=order)
    assert list(updates.order_by("sequence").values_list("sequence", "summary")) == [
        (1, "Justifacts Received"),
        (2, "Started"),
        (3, "Applicant Started"),
    ]
    assert all(update.next_attempt_at == timezone.now() for update in updates)


def test_a_very_long_status_is_stored_and_sent(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    for parts in ({}, {"assessment_result": data("r", "R" * 5000)}):
        assert world.push(order, "W" * 5000, **parts).status_code == 200
    world.work()
    order.refresh_from_db()
    assert (order.status, len(order.result)) == ("complete", 500)
    assert len(world.delivered(order)) == 3
