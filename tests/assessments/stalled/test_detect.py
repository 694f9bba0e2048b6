"""The watchdog finds the orders that stand still, says why, and tells Ashby where that is wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection as database
from django.db.utils import IntegrityError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import tasks
from assessments.models import Order, OrderEvent, StallThresholds
from assessments.stalled.detect import detect_stalled
from tests.fixtures.world import World, data

#: A Wednesday.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
WORDS = {
    "received": "Justifacts Received",
    "applicant_started": "Applicant Started",
    "in_process": "In Process: Justifacts",
}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def in_status(world: World, status: str) -> Order:
    """An order that got there just now."""
    if status == "accepted":
        return world.start()
    order = world.placed()
    world.push(order, WORDS[status])
    return fresh(order)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order


def after(clock: time_machine.Traveller, time: timedelta) -> None:
    """So much later, beat ticks."""
    clock.shift(time)
    tasks.watch()


def set_limits(world: World, **limits: object) -> None:
    StallThresholds.objects.update_or_create(organization=world.acme.organization, defaults=limits)


def stories(order: Order) -> list[str]:
    return [event.summary for event in order.events.filter(kind=OrderEvent.Kind.STALLED)]


def waiting_values(world: World) -> list[tuple[str, str]]:
    """What Ashby was told of waiting, with the status that was told along."""
    return [
        (body["assessment_status"]["value"], item["value"])
        for body in world.sent("assessment.update")
        for item in body.get("metadata", [])
        if item["identifier"] == "waiting"
    ]


class TestAnOrderStandsStill:
    @pytest.mark.parametrize(
        ("status", "limit", "said"),
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
    def test_past_the_usual_limit_of_its_status(self, world: World, clock, status, limit, said) -> None:
        order = in_status(world, status)
        after(clock, limit)
        assert fresh(order).stalled_since is None
        after(clock, MINUTE)
        assert fresh(order).stalled_since == timezone.now()
        assert order.stall_reason.startswith(said.format(noon="2026-03-04 12:00 UTC"))
        assert stories(order) == [order.stall_reason]

    @pytest.mark.parametrize("status", ["accepted", "received", "applicant_started", "in_process"])
    def test_past_the_limit_that_its_organization_has_set(self, world: World, clock, status: str) -> None:
        set_limits(
            world,
            accepted_minutes=1,
            received_days=1,
            applicant_started_days=1,
            in_process_business_days=1,
        )
        order = in_status(world, status)
        limit = MINUTE if status == "accepted" else DAY
        after(clock, limit)
        assert fresh(order).stalled_since is None
        after(clock, MINUTE)
        assert fresh(order).stalled_since
        assert "the limit at Acme is 1 " in order.stall_reason

    def test_one_organizations_limits_are_not_anothers(self, world: World, clock) -> None:
        StallThresholds.objects.create(organization=world.globex.organization, received_days=1)
        order = in_status(world, "received")
        after(clock, 2 * DAY)
        assert fresh(order).stalled_since is None
        set_limits(world, received_days=100)
        after(clock, 20 * DAY)
        assert fresh(order).stalled_since is None

    def test_the_days_of_a_weekend_do_not_count_in_process(self, world: World, clock) -> None:
        set_limits(world, in_process_business_days=2)
        clock.move_to(datetime(2026, 3, 5, 12, tzinfo=UTC))
        order = in_status(world, "in_process")
        for _ in range(4):  # Friday to Monday noon
            after(clock, DAY)
            assert fresh(order).stalled_since is None
        after(clock, MINUTE)
        assert fresh(order).stalled_since

    def test_its_history_says_so_once_however_often_the_watchdog_looks(self, world: World, clock) -> None:
        order = in_status(world, "received")
        for _ in range(5):
            after(clock, DAY)
        since, events = fresh(order).stalled_since, order.events.count()
        after(clock, 30 * DAY)
        assert fresh(order).stalled_since == since
        assert order.events.count() == events
        assert len(stories(order)) == 1

    def test_of_several_ticks_one_a_minute_does_the_work(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 3 * DAY)
        Order.objects.update(status_since=NOON - DAY)
        after(clock, 10 * SECOND)
        assert fresh(order).stalled_since is None
        after(clock, MINUTE)
        assert fresh(order).stalled_since

    def test_the_usual_minute_asks_the_database_a_few_questions_however_many_orders_there_are(
        self, world: World, clock
    ) -> None:
        set_limits(world, received_days=5, tell_ashby=True)

        def questions() -> int:
            with CaptureQueriesContext(database) as captured:
                detect_stalled(timezone.now())
            return len(captured)

        in_status(world, "received")
        clock.shift(6 * DAY)
        detect_stalled(timezone.now())
        few = questions()
        for number in range(10):
            world.placed(f"JF-{number}")
        clock.shift(6 * DAY)
        detect_stalled(timezone.now())
        assert Order.objects.exclude(stalled_since=None).count() == 11
        assert questions() == few <= 8


class TestItMovesAgain:
    def test_a_status_takes_it_back_without_a_word(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        world.push(order, "Applicant Started")
        assert (fresh(order).stalled_since, order.stall_reason) == (None, "")
        after(clock, 8 * DAY)
        assert fresh(order).stalled_since
        assert len(stories(order)) == 2, "one for each status"
        assert [event.kind for event in order.events.all()][-3:] == [
            OrderEvent.Kind.STALLED,
            "status",
            OrderEvent.Kind.STALLED,
        ]

    @pytest.mark.parametrize("end", ["complete", "cancelled by Ashby", "cancelled by Justifacts", "rejected"])
    def test_the_end_of_an_order_clears_the_stall(self, world: World, clock, end: str) -> None:
        order = in_status(world, "accepted" if end == "rejected" else "received")
        after(clock, 4 * DAY)
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
        after(clock, 100 * DAY)
        assert fresh(order).stalled_since is None

    def test_the_database_lets_no_ended_order_stand_still(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        with pytest.raises(IntegrityError, match="what_has_ended_does_not_stand_still"):
            Order.objects.filter(pk=order.pk).update(status="cancelled")

    def test_a_word_that_is_unknown_does_not_move_it(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        world.push(order, "Quality Control")
        assert fresh(order).stalled_since

    def test_a_raised_limit_takes_it_back_and_a_lowered_one_says_so_once(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        set_limits(world, received_days=10)
        after(clock, MINUTE)
        assert fresh(order).stalled_since is None
        set_limits(world, received_days=2)
        after(clock, MINUTE)
        assert "the limit at Acme is 2 days" in fresh(order).stall_reason
        assert len(stories(order)) == 1

    def test_a_limit_that_changes_below_its_age_changes_the_sentence_only(self, world: World, clock) -> None:
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        since = fresh(order).stalled_since
        set_limits(world, received_days=1)
        after(clock, MINUTE)
        assert "the limit at Acme is 1 day." in fresh(order).stall_reason
        assert order.stalled_since == since
        StallThresholds.objects.all().delete()
        after(clock, MINUTE)
        assert "the limit at Acme is 3 days." in fresh(order).stall_reason


class TestAshbyIsTold:
    def test_nothing_unless_the_organization_wants_it(self, world: World, clock) -> None:
        StallThresholds.objects.create(organization=world.globex.organization, tell_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        world.work()
        after(clock, 4 * DAY)
        assert not world.waiting(order)
        assert waiting_values(world) == []

    def test_the_present_status_with_the_reason_once_in_each_status(self, world: World, clock) -> None:
        set_limits(world, tell_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        for _ in range(6):
            after(clock, DAY)
        received = fresh(order).stall_reason
        world.push(order, "Applicant Started")
        for _ in range(10):
            after(clock, DAY)
        world.work()
        assert waiting_values(world) == [
            ("Justifacts Received", received),
            ("Applicant Started", fresh(order).stall_reason),
        ]
        assert world.told(order) == [
            *("Justifacts Received", "Justifacts Received", "Started", "Applicant Started"),
            "Applicant Started",
        ]
        times = [body["timestamp"] for body in world.sent("assessment.update")]
        assert times == sorted(set(times))

    def test_what_it_is_told_is_a_whole_update_without_anything_about_the_candidate(
        self, world: World, clock
    ) -> None:
        set_limits(world, tell_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        after(clock, 4 * DAY)
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

    def test_a_status_that_we_do_not_know_is_told_as_it_stands(self, world: World, clock) -> None:
        set_limits(world, tell_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        world.push(order, "Quality Control")
        after(clock, 4 * DAY)
        world.work()
        assert world.told(order)[-2:] == ["Quality Control", "Quality Control"]

    def test_an_order_that_justifacts_has_not_taken_is_told_as_at_first(self, world: World, clock) -> None:
        set_limits(world, tell_ashby=True)
        world.ashby_takes_everything()
        world.justifacts("assessment.start", {}, 503)
        order = in_status(world, "accepted")
        after(clock, 16 * MINUTE)
        world.work()
        assert world.told(order) == ["Sending to Justifacts"]

    def test_who_wants_it_later_is_told_of_those_that_stand_still_already(self, world: World, clock) -> None:
        world.ashby_takes_everything()
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        set_limits(world, tell_ashby=True)
        after(clock, MINUTE)
        after(clock, MINUTE)
        world.work()
        assert waiting_values(world) == [("Justifacts Received", fresh(order).stall_reason)]

    def test_a_limit_that_goes_up_and_down_tells_it_once(self, world: World, clock) -> None:
        world.ashby_takes_everything()
        set_limits(world, tell_ashby=True)
        in_status(world, "received")
        for days in (3, 10, 2, 20, 1):
            set_limits(world, received_days=days)
            after(clock, 4 * DAY if days == 3 else MINUTE)
        world.work()
        assert len(waiting_values(world)) == 1

    def test_the_order_waits_no_more_on_the_card_once_it_moves(self, world: World, clock) -> None:
        set_limits(world, tell_ashby=True)
        world.ashby_takes_everything()
        order = in_status(world, "received")
        after(clock, 4 * DAY)
        world.push(order, "In Process: Justifacts")
        world.work()
        last = world.sent("assessment.update")[-1]
        assert last["assessment_status"]["value"] == "In Process: Justifacts"
        assert "waiting" not in [item["identifier"] for item in last["metadata"]]


def test_orders_are_found_by_an_index(world: World) -> None:
    """With many orders; a minute's look must not read them all."""
    plan = str(Order.objects.filter(status="received", stalled_since=None, status_since__lt=NOON).explain())
    if database.vendor == "sqlite":
        assert "orders_watched" in plan
    assert not OrderEvent.objects.filter(kind=OrderEvent.Kind.STALLED).exists()
