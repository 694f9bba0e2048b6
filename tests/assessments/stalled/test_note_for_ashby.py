"""The note that Ashby gets about a stalled order, if the organization wants one."""

from collections.abc import Iterator

import pytest
import time_machine

from assessments.models import StallThresholds
from tests.assessments.stalled.stalling import (
    DAY,
    MINUTE,
    NOON,
    fresh,
    in_status,
    set_thresholds,
    stall_notes,
    watch_after,
)
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


class TestNoteForAshby:
    def test_no_note_is_sent_unless_the_organization_wants_it(self, world: World, clock) -> None:
        StallThresholds.objects.create(organization=world.globex.organization, notify_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        world.work()
        watch_after(clock, 4 * DAY)
        assert not world.waiting(order)
        assert stall_notes(world) == []

    def test_one_note_with_status_and_reason_is_sent_in_each_status(self, world: World, clock) -> None:
        set_thresholds(world, notify_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        for _ in range(6):
            watch_after(clock, DAY)
        received = fresh(order).stall_reason
        world.push(order, "Applicant Started")
        for _ in range(10):
            watch_after(clock, DAY)
        world.work()
        assert stall_notes(world) == [
            ("Justifacts Received", received),
            ("Applicant Started", fresh(order).stall_reason),
        ]
        assert world.delivered(order) == [
            *("Justifacts Received", "Justifacts Received", "Started", "Applicant Started"),
            "Applicant Started",
        ]
        times = [body["timestamp"] for body in world.sent("assessment.update")]
        assert times == sorted(set(times))

    def test_the_note_is_a_complete_update_without_candidate_data(self, world: World, clock) -> None:
        set_thresholds(world, notify_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        world.work()
        body = world.sent("assessment.update")[-1]
        assert set(body) == {"assessment_id", "timestamp", "assessment_status", "metadata"}
        assert body["metadata"][-1] == {
            "identifier": "waiting",
            "label": "Waiting",
            "type": "string",
            "value": "Received since 2026-03-04 12:00 UTC; the limit at Acme is 3 days. The candidate may "
            "not have opened Justifacts' invitation: remind the candidate, or ask Justifacts.",
        }
        identifiers = [item["identifier"] for item in body["metadata"]]
        assert len(identifiers) == len(set(identifiers))
        for personal in (order.candidate_first_name, order.candidate_last_name, order.candidate_email):
            assert personal not in str(body)

    def test_the_note_repeats_an_unknown_status_unchanged(self, world: World, clock) -> None:
        set_thresholds(world, notify_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        world.push(order, "Quality Control")
        watch_after(clock, 4 * DAY)
        world.work()
        assert world.delivered(order)[-2:] == ["Quality Control", "Quality Control"]

    def test_the_note_for_an_unplaced_order_repeats_the_first_status(self, world: World, clock) -> None:
        set_thresholds(world, notify_ashby=True)
        world.ashby_takes_everything()
        world.justifacts("assessment.start", {}, 503)
        order = in_status(world, "accepted")
        watch_after(clock, 16 * MINUTE)
        world.work()
        assert world.delivered(order) == ["Sending to Justifacts"]

    def test_orders_that_are_already_stalled_get_a_note_when_notes_are_enabled(
        self, world: World, clock
    ) -> None:
        world.ashby_takes_everything()
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        set_thresholds(world, notify_ashby=True)
        watch_after(clock, MINUTE)
        watch_after(clock, MINUTE)
        world.work()
        assert stall_notes(world) == [("Justifacts Received", fresh(order).stall_reason)]

    def test_changing_the_threshold_repeatedly_sends_one_note(self, world: World, clock) -> None:
        world.ashby_takes_everything()
        set_thresholds(world, notify_ashby=True)
        in_status(world, "received")
        for days in (3, 10, 2, 20, 1):
            set_thresholds(world, received_days=days)
            watch_after(clock, 4 * DAY if days == 3 else MINUTE)
        world.work()
        assert len(stall_notes(world)) == 1

    def test_the_next_status_removes_the_note_from_the_card(self, world: World, clock) -> None:
        set_thresholds(world, notify_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        world.push(order, "In Process: Justifacts")
        world.work()
        last = world.sent("assessment.update")[-1]
        assert last["assessment_status"]["value"] == "In Process: Justifacts"
        assert "waiting" not in [item["identifier"] for item in last["metadata"]]
