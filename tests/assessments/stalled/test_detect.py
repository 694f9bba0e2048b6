"""Stalled orders are flagged with a reason, and Ashby gets a note if the organization wants one."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection as database
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import tasks
from assessments.models import Order, OrderEvent, StallThresholds
from assessments.stalled import detect
from assessments.stalled.detect import detect_stalled
from tests.assessments.stalled.stalling import (
    DAY,
    MINUTE,
    NOON,
    SECOND,
    fresh,
    in_status,
    set_thresholds,
    stall_events,
    watch_after,
)
from tests.fixtures.world import World, data


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


class TestStalled:
    @pytest.mark.parametrize(
        ("status", "threshold", "reason"),
        [
            (
                "accepted",
                15 * MINUTE,
                "Accepted since {noon}; the limit at Acme is 15 minutes.",
            ),
            ("received", 3 * DAY, "Received since {noon}; the limit at Acme is 3 days."),
            (
                "applicant_started",
                7 * DAY,
                "Applicant started since {noon}; the limit at Acme is 7 days.",
            ),
            (
                "in_process",
                14 * DAY,
                "In process since {noon}; the limit at Acme is 10 working days.",
            ),
        ],
    )
    def test_an_order_past_the_default_threshold_is_stalled(
        self, world: World, clock, status, threshold, reason
    ) -> None:
        order = in_status(world, status)
        watch_after(clock, threshold)
        assert fresh(order).stalled_since is None
        watch_after(clock, MINUTE)
        assert fresh(order).stalled_since == timezone.now()
        assert order.stall_reason.startswith(reason.format(noon="2026-03-04 12:00 UTC"))
        assert stall_events(order) == [order.stall_reason]

    @pytest.mark.parametrize("status", ["accepted", "received", "applicant_started", "in_process"])
    def test_an_order_past_its_organizations_threshold_is_stalled(
        self, world: World, clock, status: str
    ) -> None:
        set_thresholds(
            world,
            accepted_minutes=1,
            received_days=1,
            applicant_started_days=1,
            in_process_business_days=1,
        )
        order = in_status(world, status)
        threshold = MINUTE if status == "accepted" else DAY
        watch_after(clock, threshold)
        assert fresh(order).stalled_since is None
        watch_after(clock, MINUTE)
        assert fresh(order).stalled_since
        assert "the limit at Acme is 1 " in order.stall_reason

    def test_another_organizations_thresholds_do_not_apply(self, world: World, clock) -> None:
        StallThresholds.objects.create(organization=world.globex.organization, received_days=1)
        order = in_status(world, "received")
        watch_after(clock, 2 * DAY)
        assert fresh(order).stalled_since is None
        set_thresholds(world, received_days=100)
        watch_after(clock, 20 * DAY)
        assert fresh(order).stalled_since is None

    def test_weekends_do_not_count_in_process(self, world: World, clock) -> None:
        set_thresholds(world, in_process_business_days=2)
        clock.move_to(datetime(2026, 3, 5, 12, tzinfo=UTC))
        order = in_status(world, "in_process")
        for _ in range(4):  # Friday to Monday noon
            watch_after(clock, DAY)
            assert fresh(order).stalled_since is None
        watch_after(clock, MINUTE)
        assert fresh(order).stalled_since

    def test_a_stall_is_recorded_once(self, world: World, clock) -> None:
        order = in_status(world, "received")
        for _ in range(5):
            watch_after(clock, DAY)
        since, events = fresh(order).stalled_since, order.events.count()
        watch_after(clock, 30 * DAY)
        assert fresh(order).stalled_since == since
        assert order.events.count() == events
        assert len(stall_events(order)) == 1

    def test_only_one_tick_a_minute_runs(self, world: World, clock) -> None:
        order = in_status(world, "received")
        watch_after(clock, 3 * DAY)
        Order.objects.update(status_since=NOON - DAY)
        watch_after(clock, 10 * SECOND)
        assert fresh(order).stalled_since is None
        watch_after(clock, MINUTE)
        assert fresh(order).stalled_since

    def test_many_orders_are_flagged_in_short_runs_that_follow_each_other(
        self, world: World, clock, monkeypatch
    ) -> None:
        monkeypatch.setattr(detect, "BATCH", 2)
        orders = [world.placed(f"JF-{number}") for number in range(5)]
        flagged = []
        clock.shift(4 * DAY)
        for _ in range(4):
            tasks.watch()
            flagged.append(Order.objects.exclude(stalled_since=None).count())
        assert flagged == [2, 4, 5, 5]
        Order.objects.filter(pk=orders[0].pk).update(
            stalled_since=None, stall_reason="", stall_threshold=None
        )
        tasks.watch()
        assert not fresh(orders[0]).stalled_since, "all was done, so the next run is a minute later"

    def test_a_run_that_takes_long_stops_and_the_next_one_continues(self, world: World, clock) -> None:
        orders = [world.placed(f"JF-{number}") for number in range(2)]
        clock.shift(4 * DAY)
        assert not detect_stalled(timezone.now(), seconds=0).is_complete
        assert Order.objects.exclude(stalled_since=None).count() == 1
        detect_stalled(timezone.now(), seconds=0)
        assert all(fresh(order).stalled_since for order in orders)

    def test_the_number_of_queries_does_not_grow_with_the_orders(self, world: World, clock) -> None:
        set_thresholds(world, received_days=5, notify_ashby=True)

        def count_queries() -> int:
            with CaptureQueriesContext(database) as captured:
                detect_stalled(timezone.now())
            return len(captured)

        in_status(world, "received")
        clock.shift(6 * DAY)
        detect_stalled(timezone.now())
        before = count_queries()
        for number in range(10):
            world.placed(f"JF-{number}")
        clock.shift(6 * DAY)
        detect_stalled(timezone.now())
        assert Order.objects.exclude(stalled_since=None).count() == 11
        assert count_queries() == before <= 8


class TestStallEnds:
    def test_a_new_status_clears_the_flag_without_an_event(self, world: World, clock) -> None:
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        world.push(order, "Applicant Started")
        assert (fresh(order).stalled_since, order.stall_reason) == (None, "")
        watch_after(clock, 8 * DAY)
        assert fresh(order).stalled_since
        assert len(stall_events(order)) == 2, "one for each status"
        assert [event.kind for event in order.events.all()][-3:] == [
            OrderEvent.Kind.STALLED,
            "status",
            OrderEvent.Kind.STALLED,
        ]

    @pytest.mark.parametrize("end", ["complete", "cancelled by Ashby", "cancelled by Justifacts", "rejected"])
    def test_the_end_of_the_check_clears_the_flag(self, world: World, clock, end: str) -> None:
        order = in_status(world, "accepted" if end == "rejected" else "received")
        watch_after(clock, 4 * DAY)
        assert fresh(order).stalled_since
        match end:
            case "complete":
                world.push(order, "Complete", assessment_result=data("result", "Clear"))
            case "cancelled by Ashby":
                world.call("/ashby/assessment.cancel", {"assessment_id": str(order.pk)})
            case "cancelled by Justifacts":
                world.push(order, cancelled_reason=data("cancelled_reason", "Withdrawn"))
            case "rejected":
                world.justifacts("assessment.status", {"success": False, "errors": ["assessment_not_found"]})
                world.justifacts("assessment.start", {"message": "No such package."}, 422)
                world.ashby_takes_everything()
                world.work()
        assert fresh(order).has_ended
        assert order.stalled_since is None
        watch_after(clock, 100 * DAY)
        assert fresh(order).stalled_since is None

    def test_a_constraint_forbids_a_stalled_ended_order(self, world: World, clock) -> None:
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        with pytest.raises(IntegrityError, match="what_has_ended_does_not_stand_still"):
            Order.objects.filter(pk=order.pk).update(status="cancelled")

    def test_an_unknown_status_keeps_the_flag(self, world: World, clock) -> None:
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        world.push(order, "Quality Control")
        assert fresh(order).stalled_since

    def test_a_raised_threshold_clears_the_flag_and_a_lowered_one_sets_it(self, world: World, clock) -> None:
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        set_thresholds(world, received_days=10)
        watch_after(clock, MINUTE)
        assert fresh(order).stalled_since is None
        set_thresholds(world, received_days=2)
        watch_after(clock, MINUTE)
        assert "the limit at Acme is 2 days" in fresh(order).stall_reason
        assert len(stall_events(order)) == 1

    def test_a_changed_threshold_of_a_stalled_order_changes_only_the_reason(
        self, world: World, clock
    ) -> None:
        order = in_status(world, "received")
        watch_after(clock, 4 * DAY)
        since = fresh(order).stalled_since
        set_thresholds(world, received_days=1)
        watch_after(clock, MINUTE)
        assert "the limit at Acme is 1 day." in fresh(order).stall_reason
        assert order.stalled_since == since
        StallThresholds.objects.all().delete()
        watch_after(clock, MINUTE)
        assert "the limit at Acme is 3 days." in fresh(order).stall_reason


def test_stalled_orders_are_found_by_an_index(world: World) -> None:
    plan = str(Order.objects.filter(status="received", stalled_since=None, status_since__lt=NOON).explain())
    if database.vendor == "sqlite":
        assert "orders_watched" in plan
    assert not OrderEvent.objects.filter(kind=OrderEvent.Kind.STALLED).exists()
