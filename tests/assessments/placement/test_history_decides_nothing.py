"""Whether an order is placed again depends on its columns: without its history, or with another one, every
decision is the same."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from django.utils import timezone

from assessments.models import CallAttempt, Order, OrderEvent
from assessments.placement.next_call import make_next_call
from assessments.recovery import recover_after_restore
from assessments.support import unknown_placement
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere

NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}
UNSUPPORTED = {"success": False, "errors": ["unknown_call"]}
NO_ANSWER = requests.ReadTimeout("read timed out")
CONFLICT = {"message": "This candidate is already being assessed."}


def keep() -> None:
    """The history as it is."""


def delete() -> None:
    """No history, and no log of calls."""
    OrderEvent.objects.all().delete()
    CallAttempt.objects.all().delete()


def rename() -> None:
    """A history that says something else."""
    lines = list(OrderEvent.objects.all())
    OrderEvent.objects.all().delete()
    OrderEvent.objects.bulk_create(
        OrderEvent(order_id=line.order_id, source=line.source, kind=OrderEvent.Kind.NOTE, summary="Changed.")
        for line in lines
    )


def invent() -> None:
    """A history in which everything has happened to every order."""
    OrderEvent.objects.bulk_create(
        OrderEvent(order=order, source="portal", kind=kind, summary="Invented.")
        for order in Order.objects.all()
        for kind in OrderEvent.Kind
    )


class Story:
    """One order on its way to Justifacts, whose history is tampered with before each step."""

    def __init__(self, world: World, clock: time_machine.Traveller, tamper: Callable[[], None]) -> None:
        self.world, self.clock, self.tamper = world, clock, tamper
        world.ashby_takes_everything()
        self.order = world.start()

    def answers(self, start: object, status: object, start_code: int = 200, status_code: int = 200) -> None:
        """What Justifacts answers from now on when an order is placed, and when it is looked up."""
        self.world.justifacts("assessment.start", start, start_code)
        self.world.justifacts("assessment.status", status, status_code)

    def takes(self, status: object = NOT_FOUND, status_code: int = 200) -> None:
        self.answers({"success": True, "results": {"assessment_id": "JF-1"}}, status, 200, status_code)

    def after(self, *seconds: float) -> None:
        """Workers work after each of these waits."""
        for wait in seconds:
            self.clock.shift(wait)
            self.tamper()
            self.world.work()
        self.tamper()
        self.order.refresh_from_db()

    @property
    def outcome(self) -> tuple[list[str], str, str, bool]:
        """The calls to Justifacts, the order's number and status, and whether a person is asked."""
        calls = [str(call.request.url).rpartition(".")[2] for call in self.world.wire.calls]
        made = [name for name in calls if name in ("start", "status")]
        return made, self.order.justifacts_order_id, self.order.status, self.order.needs_attention


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture(params=[keep, delete, rename, invent])
def story(request: pytest.FixtureRequest, world: World, clock: time_machine.Traveller) -> Story:
    return Story(world, clock, request.param)


def test_a_late_order_is_looked_up_once_and_placed(story: Story) -> None:
    story.takes()
    story.after(180)
    assert story.outcome == (["status", "start"], "JF-1", "received", False)


def test_a_late_order_is_placed_although_look_ups_are_not_supported(story: Story) -> None:
    story.takes(UNSUPPORTED, 404)
    story.after(180)
    assert story.outcome == (["status", "start"], "JF-1", "received", False)


def test_an_order_that_could_not_be_sent_for_long_is_not_looked_up(story: Story) -> None:
    story.answers(requests.ConnectTimeout("no connection"), NOT_FOUND)
    story.after(0, 60, 120)
    story.takes()
    story.after(600)
    calls, *rest = story.outcome
    assert "status" not in calls
    assert rest == ["JF-1", "received", False]


def test_an_unanswered_placement_is_not_repeated_without_a_certain_answer(story: Story) -> None:
    story.answers(NO_ANSWER, UNSUPPORTED, status_code=404)
    story.after(0, 10)
    story.takes(UNSUPPORTED, 404)
    story.after(60, 600, 6000)
    calls, *rest = story.outcome
    assert calls.count("start") == 1
    assert rest == ["", "accepted", True]


def test_a_conflict_after_an_unanswered_placement_is_looked_up(story: Story) -> None:
    story.answers(NO_ANSWER, NOT_FOUND)
    story.after(0, 10, 10)
    story.answers(CONFLICT, NOT_FOUND, start_code=409)
    story.after(10)
    calls, *_ = story.outcome
    assert calls.count("start") == 2
    story.takes({"success": True, "results": {"assessment_id": "JF-2"}})
    story.after(10)
    assert story.outcome[1:] == ("JF-2", "received", False)


def test_a_conflict_in_answer_to_the_first_placement_is_a_refusal(story: Story) -> None:
    story.answers(CONFLICT, NOT_FOUND, start_code=409)
    story.after(0)
    assert story.outcome == (["start"], "", "rejected", False)


def test_an_order_that_justifacts_mentions_is_looked_up_before_it_is_placed(story: Story) -> None:
    status = data("status", "Justifacts Received")
    story.tamper()
    answer = story.world.push(story.order, assessment_id="", assessment_status=status)
    assert answer.status_code == 200
    story.takes()
    story.after(0, 10)
    assert story.outcome == (["status", "status"], "", "received", False)
    story.after(10)
    assert story.outcome == (["status", "status", "status", "start"], "JF-1", "received", False)


def test_an_interrupted_placement_is_not_repeated_without_a_certain_answer(story: Story, settings) -> None:
    story.answers(RuntimeError("the worker died"), UNSUPPORTED, status_code=404)
    with pytest.raises(RuntimeError):
        make_next_call(story.order.pk)
    story.takes(UNSUPPORTED, 404)
    story.after(settings.LEASE_SECONDS + 1, 60, 600)
    calls, *rest = story.outcome
    assert calls.count("start") == 1
    assert rest == ["", "accepted", True]


def test_a_restored_order_is_not_placed_without_a_certain_answer(story: Story) -> None:
    story.takes(UNSUPPORTED, 404)
    story.tamper()
    recover_after_restore(timezone.now())
    story.after(0, 60, 600)
    assert "start" not in story.outcome[0]
    assert story.outcome[1:] == ("", "accepted", True)


def test_a_look_up_as_a_precaution_is_none_after_a_restore(story: Story) -> None:
    story.takes({}, 503)
    story.after(180)
    story.takes(UNSUPPORTED, 404)
    story.tamper()
    recover_after_restore(timezone.now())
    story.after(60, 600)
    assert "start" not in story.outcome[0]
    assert story.outcome[1:] == ("", "accepted", True)


def test_an_order_that_was_made_again_is_not_placed_without_a_certain_answer(story: Story) -> None:
    story.takes(UNSUPPORTED, 404)
    Order.objects.all().delete()
    assert recover_after_restore(timezone.now()).made_again == 1
    story.after(0, 60, 600)
    assert "start" not in story.outcome[0]
    assert story.outcome[1:] == ("", "accepted", True)


def test_an_order_that_a_person_has_placed_again_is_placed(story: Story) -> None:
    story.answers(NO_ANSWER, UNSUPPORTED, status_code=404)
    story.after(0, 10)
    story.takes(UNSUPPORTED, 404)
    story.tamper()
    unknown_placement.resubmit_order(story.order.pk, "ada", "Justifacts has no such order.")
    story.after(timedelta(minutes=5).total_seconds())
    assert story.outcome == (["start", "status", "start"], "JF-1", "received", False)
