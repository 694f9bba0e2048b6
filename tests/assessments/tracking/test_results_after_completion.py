"""Results and statuses that Justifacts sends after completion: the table in ``after_end.py``. Justifacts may
also reopen a completed check, and staff may poll one by hand."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from assessments.models import Order, OrderEvent
from assessments.support.retry import poll_now
from tests.assessments.reconciliation.reconciling import meanwhile
from tests.assessments.tracking.after_completion import (
    DAY,
    HOUR,
    MINUTE,
    NINE,
    message,
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


class TestChangedResult:
    def test_a_result_dated_before_the_portals_own_time_is_sent(self, world: World, order: Order) -> None:
        """Review without a time, then Clear dated a minute earlier."""
        push(world, order, "Complete", "Review")
        push(world, order, "Complete", "Clear", timestamp=ms(-MINUTE))
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]
        assert not order.needs_attention

    @pytest.mark.parametrize(
        "earlier_by",
        [
            pytest.param(0.4, id="whole seconds"),
            pytest.param(HOUR, id="one hour"),
            pytest.param(5 * HOUR - 40, id="New York, and 40 s later"),
            pytest.param(5 * HOUR + 30 * MINUTE, id="India"),
            pytest.param(5 * HOUR + 45 * MINUTE + 30, id="Nepal"),
            pytest.param(14 * HOUR, id="the farthest zone"),
        ],
    )
    def test_a_result_whose_older_time_a_clock_explains_is_sent(
        self, world, order, earlier_by: float
    ) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(earlier_by))
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]
        assert not order.needs_attention
        push(world, order, "Complete", "Adverse", timestamp=ms(1))
        assert sent_results(world)[-1] == ("Complete", "Adverse"), "the next result is compared with this one"

    @pytest.mark.parametrize("earlier_by", [MINUTE, 22 * MINUTE, 5 * HOUR + 7 * MINUTE, 3 * DAY])
    def test_an_older_pushed_result_is_flagged_with_both_results(self, world, order, earlier_by) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(0))
        for _ in range(2):
            push(world, order, "Complete", "Clear", timestamp=ms(-earlier_by))
        assert sent_results(world) == [("Complete", "Review")]
        assert order.needs_attention
        for words in ("“Clear”", "“Review”", "2026-11-02 09:00:00 UTC", "Ask Justifacts"):
            assert words in order.attention_reason
        assert OrderEvent.objects.filter(kind="needs_attention").count() == 1

    def test_a_newer_result_clears_the_flag(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(2 * MINUTE))
        push(world, order, "Complete", "Clear", timestamp=ms(MINUTE))
        assert order.needs_attention
        polled(world, order, "Complete", "Clear", timestamp=ms(3 * MINUTE))
        assert (order.result, order.needs_attention, order.attention_reason) == ("Clear", False, "")

    def test_an_answer_may_be_dated_a_little_earlier(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(0))
        push(world, order, "Complete", "Clear", timestamp=ms(-MINUTE))
        assert order.needs_attention
        polled(world, order, "Complete", "Clear", timestamp=ms(-MINUTE))
        assert sent_results(world)[-1] == ("Complete", "Clear")

    def test_a_confirmed_result_clears_the_flag(self, world, order, clock) -> None:
        """Two pushes arrive in the wrong order."""
        push(world, order, "Complete", "Clear", timestamp=ms(3 * MINUTE))
        push(world, order, "Complete", "Review", timestamp=ms(0))
        assert order.needs_attention
        polled(world, order, "Complete", "Clear", timestamp=ms(3 * MINUTE))
        assert not order.needs_attention
        assert sent_results(world) == [("Complete", "Clear")]

    def test_a_late_duplicate_is_recorded_once(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(-HOUR))
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for _ in range(3):
            push(world, order, "Complete", "Review", timestamp=ms(-HOUR))
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]
        assert not order.needs_attention
        assert OrderEvent.objects.filter(kind="late").count() == 1

    def test_an_answer_with_an_earlier_result_is_flagged(self, world, order) -> None:
        """An answer to a question asked now is not late, whatever its time."""
        push(world, order, "Complete", "Review", timestamp=ms(-7 * MINUTE))
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for _ in range(3):
            polled(world, order, "Complete", "Review", timestamp=ms(-7 * MINUTE))
        assert order.needs_attention
        assert "“Review”" in order.attention_reason
        assert sent_results(world)[-1] == ("Complete", "Clear")
        assert OrderEvent.objects.filter(kind="needs_attention").count() == 1

    def test_a_fast_clock_at_justifacts_does_not_keep_a_wrong_result(self, world, order) -> None:
        ahead = 3 * HOUR
        push(world, order, "Complete", "Review", timestamp=ms(ahead))
        push(world, order, "Complete", "Clear", timestamp=ms(ahead + 7))
        push(world, order, "Complete", "Review", timestamp=ms(ahead))
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]
        push(world, order, "Complete", "Review", timestamp=ms(ahead + 20))
        assert sent_results(world)[-1] == ("Complete", "Review"), "sent again, it is a change"

    @pytest.mark.parametrize("first", [None, ms(40 * DAY)])
    def test_a_missing_or_far_future_time_does_not_block_later_results(
        self, world, order, clock, first
    ) -> None:
        push(world, order, "Complete", "Review", timestamp=first)
        clock.shift(MINUTE)
        push(world, order, "Complete", "Clear", timestamp=ms(30))
        push(world, order, "Complete", "Adverse")
        assert [result for _, result in sent_results(world)] == ["Review", "Clear", "Adverse"]

    def test_a_stored_far_future_time_does_not_block_later_results(self, world, order) -> None:
        push(world, order, "Complete", "Review", timestamp=ms(0))
        Order.objects.filter(pk=order.pk).update(justifacts_timestamp=ms(0) * 1000)
        push(world, order, "Complete", "Clear", timestamp=ms(MINUTE))
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]
        assert not order.needs_attention

    def test_an_answer_overtaken_by_a_push_is_requested_again(self, world, order) -> None:
        push(world, order, "Complete", "Review")
        body = {"assessment_id": "JF-2026-1", "reference_id": str(order.pk)}
        stale = {"success": True, "results": {**body, **message("Complete", "Review")}}
        fresh = {"success": True, "results": {**body, **message("Complete", "Clear")}}

        def is_pushed_meanwhile() -> None:
            world.call("/justifacts/assessment.update", {**body, **message("Complete", "Clear")})
            world.justifacts("assessment.status", fresh)

        meanwhile(world, stale, is_pushed_meanwhile)
        poll_now(order.pk, "Ada")
        world.work()
        assert sent_results(world) == [("Complete", "Review"), ("Complete", "Clear")]


class TestUnknownStatus:
    @pytest.mark.parametrize(
        ("by", "label", "result"),
        [
            (push, "Dispute", None),
            (push, "Suspended", "Clear"),
            (polled, "Dispute", "Clear"),
            (polled, "Pending Adjudication (2nd)", None),
        ],
    )
    def test_an_unknown_status_is_sent_with_result_and_report_and_flags_the_order_once(
        self, world: World, order: Order, by: Any, label: str, result: str | None
    ) -> None:
        report = data("report", "https://reports.test/7", "url")
        push(world, order, "Complete", "Clear", timestamp=ms(0), assessment_profile_url=report)
        for seconds in range(3):
            by(world, order, label, result, timestamp=ms(20 * MINUTE + seconds))
        assert sent_results(world) == [("Complete", "Clear"), (label, "Clear")]
        assert world.sent("assessment.update")[-1]["assessment_profile_url"]["value"] == report["value"]
        assert order.needs_attention
        assert f"“{label}”" in order.attention_reason
        assert (order.status, order.result, order.justifacts_status) == ("complete", "Clear", label)
        assert OrderEvent.objects.filter(kind="needs_attention").count() == 1

    @pytest.mark.parametrize("by", [push, polled])
    def test_complete_after_an_unknown_status_is_sent_and_clears_the_flag(self, world, order, by) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        push(world, order, "Dispute", timestamp=ms(HOUR))
        by(world, order, "Complete", "Clear", timestamp=ms(2 * HOUR))
        by(world, order, "Complete", "Clear", timestamp=ms(2 * HOUR))
        assert sent_results(world) == [("Complete", "Clear"), ("Dispute", "Clear"), ("Complete", "Clear")]
        assert not order.needs_attention
        push(world, order, "Dispute", timestamp=ms(3 * HOUR))
        assert order.needs_attention, "a second dispute is flagged again"

    def test_an_unknown_status_may_come_with_another_result(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        push(world, order, "Dispute", "Adverse", timestamp=ms(HOUR))
        assert sent_results(world)[-1] == ("Dispute", "Adverse")
        assert order.needs_attention

    def test_each_of_two_unknown_statuses_is_sent_and_flagged(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for number, label in enumerate(["Dispute", "Suspended", "Dispute"], start=1):
            push(world, order, label, timestamp=ms(number * HOUR))
        assert [label for label, _ in sent_results(world)] == ["Complete", "Dispute", "Suspended", "Dispute"]
        assert OrderEvent.objects.filter(kind="needs_attention").count() == 3

    def test_an_unknown_status_without_a_time_is_sent(self, world: World, order: Order) -> None:
        push(world, order, "Complete", "Clear")
        push(world, order, "Dispute", timestamp=ms(-MINUTE))
        assert sent_results(world)[-1] == ("Dispute", "Clear")

    def test_a_late_push_of_an_unknown_status_is_recorded_once(self, world, order) -> None:
        push(world, order, "Awaiting records", timestamp=ms(-DAY))
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        for _ in range(2):
            push(world, order, "Awaiting records", timestamp=ms(-DAY))
        assert sent_results(world) == [("Complete", "Clear")]
        assert not order.needs_attention
        assert OrderEvent.objects.filter(kind="late").count() == 1

    def test_an_old_answer_does_not_end_a_dispute(self, world: World, order: Order) -> None:
        """A part of Justifacts does not know of the dispute yet, or a cache answers."""
        push(world, order, "Complete", "Clear", timestamp=ms(0))
        push(world, order, "Dispute", timestamp=ms(HOUR + 7 * MINUTE))
        for _ in range(2):
            polled(world, order, "Complete", "Clear", timestamp=ms(0))
        assert sent_results(world)[-1] == ("Dispute", "Clear")
        assert order.needs_attention


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
