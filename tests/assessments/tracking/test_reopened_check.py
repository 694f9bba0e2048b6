"""Justifacts reopens a completed check, and staff poll one by hand."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from assessments.models import Order, OrderEvent
from tests.assessments.tracking.after_completion import (
    DAY,
    HOUR,
    NINE,
    ms,
    polled,
    push,
    sent_results,
)
from tests.fixtures.world import World, data


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def order(world: World) -> Order:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    return order


class TestReopenedCheck:
    @pytest.mark.parametrize("label", ["In Process: Justifacts", "Applicant Started", "Cancelled"])
    def test_an_answer_that_reopens_the_check_is_flagged_once_and_not_sent(self, world, order, label) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for seconds in range(3):
            polled(world, order, label, timestamp=ms(HOUR + seconds))
        assert sent_results(world) == [("Complete", "Clear")]
        assert order.needs_attention
        for words in (f"“{label}”", "result Clear", "Ask Justifacts"):
            assert words in order.attention_reason
        assert OrderEvent.objects.filter(kind="needs_attention").count() == 1
        polled(world, order, "Complete", "Clear", timestamp=ms(0))
        assert not order.needs_attention
        polled(world, order, label, timestamp=ms(5 * HOUR))
        assert order.needs_attention, "it is reopened a second time"

    @pytest.mark.parametrize(
        ("at", "is_flagged"), [(ms(HOUR), True), (ms(-HOUR), False), (ms(0), False), (None, False)]
    )
    def test_a_push_that_reopens_the_check_is_flagged_only_if_it_is_newer(
        self, world, order, at, is_flagged
    ) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for _ in range(2):
            push(world, order, "In Process: Justifacts", timestamp=at)
        assert order.needs_attention == is_flagged
        assert sent_results(world) == [("Complete", "Clear")]
        assert OrderEvent.objects.filter(kind="after_end", summary__contains="In Process").count() == 1

    def test_a_pushed_cancellation_without_a_time_is_flagged(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Clear")
        push(world, order, None, cancelled_reason=data("reason", "Duplicate"))
        assert order.needs_attention
        assert order.status == "complete"

    def test_a_resolved_question_is_not_asked_again(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        polled(world, order, "In Process: Justifacts", timestamp=ms(HOUR))
        Order.objects.filter(pk=order.pk).update(
            needs_attention=False, attention_reason="", attention_topic="", attention_since=None
        )
        polled(world, order, "In Process: Justifacts", timestamp=ms(2 * HOUR))
        assert not order.needs_attention


class TestPollNow:
    def test_poll_now_works_after_polling_has_stopped(self, world: World, order: Order, clock) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(0))
        clock.shift(timedelta(days=500))
        polled(world, order, "Complete", "Clear", timestamp=ms(400 * DAY))
        assert sent_results(world)[-1] == ("Complete", "Clear")
        assert order.next_call == ""

    def test_poll_now_works_for_a_check_that_justifacts_cancelled(self, world: World, order: Order) -> None:
        push(world, order, "Cancelled", timestamp=ms(0))
        polled(world, order, "Cancelled", timestamp=ms(0))
        assert len(world.sent("assessment.status")) == 1
        assert (order.needs_attention, order.next_call) == (False, "")
