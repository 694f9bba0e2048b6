"""Placement decides by an order's columns, never by its history: every decision is the same without events
or with misleading ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from django.utils import timezone

from assessments.models import CallAttempt, Order, OrderEvent
from assessments.placement.next_call import make_next_call
from assessments.recovery import recover_after_restore
from assessments.support import decisions
from tests.fixtures.world import World, data

NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
UNSUPPORTED = {"success": False, "errors": ["unknown_call"]}
NO_ANSWER = requests.ReadTimeout("read timed out")
CONFLICT = {"message": "This candidate is already being assessed."}


def keep_history() -> None:
    """Leave the history as it is."""


def delete_history() -> None:
    """Delete the history and the call log."""
    OrderEvent.objects.all().delete()
    CallAttempt.objects.all().delete()


def insert_misleading_events() -> None:
    """Insert events of every kind into each order's history."""
    OrderEvent.objects.bulk_create(
        OrderEvent(order=order, source="portal", kind=kind, summary="Invented.")
        for order in Order.objects.all()
        for kind in OrderEvent.Kind
    )


class Scenario:
    """One order on its way to Justifacts; ``tamper`` changes its history before each step."""

    def __init__(self, world: World, clock: time_machine.Traveller, tamper: Callable[[], None]) -> None:
        self.world, self.clock, self.tamper = world, clock, tamper
        world.ashby_takes_everything()
        self.order = world.start()

    def answers(self, start: object, status: object, start_code: int = 200, status_code: int = 200) -> None:
        """Set Justifacts' answers to a placement and to a look-up."""
        self.world.justifacts("assessment.start", start, start_code)
        self.world.justifacts("assessment.status", status, status_code)

    def accepts(self, status: object = NOT_FOUND, status_code: int = 200) -> None:
        self.answers({"success": True, "results": {"assessment_id": "JF-1"}}, status, 200, status_code)

    def after(self, *seconds: float) -> None:
        """Run the workers after each of these waits, in seconds."""
        for wait in seconds:
            self.clock.shift(wait)
            self.tamper()
            self.world.work()
        self.tamper()
        self.order.refresh_from_db()

    @property
    def outcome(self) -> tuple[list[str], str, str, bool]:
        """The calls to Justifacts, the order's number and status, and whether it needs attention."""
        calls = [str(call.request.url).rpartition(".")[2] for call in self.world.wire.calls]
        made = [name for name in calls if name in ("start", "status")]
        return made, self.order.justifacts_order_id, self.order.status, self.order.needs_attention


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture(params=[keep_history, delete_history, insert_misleading_events])
def scenario(request: pytest.FixtureRequest, world: World, clock: time_machine.Traveller) -> Scenario:
    return Scenario(world, clock, request.param)


def test_a_late_order_is_looked_up_once_and_placed(scenario: Scenario) -> None:
    scenario.accepts()
    scenario.after(180)
    assert scenario.outcome == (["status", "start"], "JF-1", "received", False)


def test_a_late_order_is_placed_if_look_ups_are_not_supported(scenario: Scenario) -> None:
    scenario.accepts(UNSUPPORTED, 404)
    scenario.after(180)
    assert scenario.outcome == (["status", "start"], "JF-1", "received", False)


def test_an_order_that_was_not_sent_for_an_hour_is_not_looked_up(scenario: Scenario) -> None:
    scenario.answers(requests.ConnectTimeout("no connection"), NOT_FOUND)
    scenario.after(0, 60, 120)
    scenario.accepts()
    scenario.after(600)
    calls, *rest = scenario.outcome
    assert "status" not in calls
    assert rest == ["JF-1", "received", False]


def test_an_unanswered_placement_is_not_repeated_without_a_certain_answer(scenario: Scenario) -> None:
    scenario.answers(NO_ANSWER, UNSUPPORTED, status_code=404)
    scenario.after(0, 10)
    scenario.accepts(UNSUPPORTED, 404)
    scenario.after(60, 600, 6000)
    calls, *rest = scenario.outcome
    assert calls.count("start") == 1
    assert rest == ["", "accepted", True]


def test_a_conflict_after_an_unanswered_placement_is_looked_up(scenario: Scenario) -> None:
    scenario.answers(NO_ANSWER, NOT_FOUND)
    scenario.after(0, 10, 10)
    scenario.answers(CONFLICT, NOT_FOUND, start_code=409)
    scenario.after(10)
    calls, *_ = scenario.outcome
    assert calls.count("start") == 2
    scenario.accepts({"success": True, "results": {"assessment_id": "JF-2"}})
    scenario.after(10)
    assert scenario.outcome[1:] == ("JF-2", "received", False)


def test_a_conflict_on_the_first_placement_is_a_refusal(scenario: Scenario) -> None:
    scenario.answers(CONFLICT, NOT_FOUND, start_code=409)
    scenario.after(0)
    assert scenario.outcome == (["start"], "", "rejected", False)


def test_an_order_that_justifacts_pushed_is_looked_up_before_it_is_placed(scenario: Scenario) -> None:
    status = data("status", "Justifacts Received")
    scenario.tamper()
    answer = scenario.world.push(scenario.order, assessment_id="", assessment_status=status)
    assert answer.status_code == 200
    scenario.accepts()
    scenario.after(0, 10)
    assert scenario.outcome == (["status", "status"], "", "received", False)
    scenario.after(10)
    assert scenario.outcome == (["status", "status", "status", "start"], "JF-1", "received", False)


def test_an_interrupted_placement_is_not_repeated_without_a_certain_answer(
    scenario: Scenario, settings
) -> None:
    scenario.answers(RuntimeError("the worker died"), UNSUPPORTED, status_code=404)
    with pytest.raises(RuntimeError):
        make_next_call(scenario.order.pk)
    scenario.accepts(UNSUPPORTED, 404)
    scenario.after(settings.LEASE_SECONDS + 1, 60, 600)
    calls, *rest = scenario.outcome
    assert calls.count("start") == 1
    assert rest == ["", "accepted", True]


def test_a_restored_order_is_not_placed_without_a_certain_answer(scenario: Scenario) -> None:
    scenario.accepts(UNSUPPORTED, 404)
    scenario.tamper()
    recover_after_restore(timezone.now())
    scenario.after(0, 60, 600)
    assert "start" not in scenario.outcome[0]
    assert scenario.outcome[1:] == ("", "accepted", True)


def test_a_precautionary_look_up_after_a_restore_stays_a_real_question(scenario: Scenario) -> None:
    scenario.accepts({}, 503)
    scenario.after(180)
    scenario.accepts(UNSUPPORTED, 404)
    scenario.tamper()
    recover_after_restore(timezone.now())
    scenario.after(60, 600)
    assert "start" not in scenario.outcome[0]
    assert scenario.outcome[1:] == ("", "accepted", True)


def test_a_recreated_order_is_not_placed_without_a_certain_answer(scenario: Scenario) -> None:
    scenario.accepts(UNSUPPORTED, 404)
    Order.objects.all().delete()
    assert recover_after_restore(timezone.now()).made_again == 1
    scenario.after(0, 60, 600)
    assert "start" not in scenario.outcome[0]
    assert scenario.outcome[1:] == ("", "accepted", True)


def test_an_order_resubmitted_by_staff_is_placed(scenario: Scenario) -> None:
    scenario.answers(NO_ANSWER, UNSUPPORTED, status_code=404)
    scenario.after(0, 10)
    scenario.accepts(UNSUPPORTED, 404)
    scenario.tamper()
    decisions.resubmit_order(scenario.order.pk, "ada", "Justifacts has no such order.")
    scenario.after(timedelta(minutes=5).total_seconds())
    assert scenario.outcome == (["start", "status", "start"], "JF-1", "received", False)
