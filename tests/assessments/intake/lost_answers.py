"""An order of which Ashby does not know, for the tests of repeated starts."""

from datetime import UTC, datetime
from typing import Any

import time_machine

from assessments.models import AshbyUpdate, Order
from tests.fixtures.world import World, data

START = "/ashby/assessment.start"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOT_FOUND = {"success": False, "errorInfo": {"code": "assessment_not_found", "message": "No such one."}}
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


class Lost:
    """An order whose start was answered, but whose answer Ashby never got."""

    def __init__(self, world: World, clock: time_machine.Traveller, **changes: Any) -> None:
        self.world, self.clock = world, clock
        self.body = world.start_body(**changes)
        world.justifacts("assessment.status", {}, 503)
        world.ashby("assessment.update", NOT_FOUND)
        self.first = world.call(START, self.body)
        assert self.first.status_code == 200
        world.justifacts_takes()
        world.work()

    @property
    def order(self) -> Order:
        return Order.objects.get(pk=self.first.json()["results"]["assessment_id"])

    def given_up(self) -> None:
        """A quarter of an hour has passed, and the order needs attention."""
        for minutes in (1, 1, 3, 10, 15):
            self.clock.shift(minutes * MINUTE)
            self.world.work()
        assert self.order.updates.filter(state=AshbyUpdate.State.REFUSED).exists()
        assert self.order.needs_attention

    def complete(self) -> None:
        self.world.push(self.order, "Complete", assessment_result=data("result", "Clear"))
        assert self.order.status == "complete"

    def start_again(self, **changes: Any) -> Any:
        return self.world.call(START, {**self.body, **changes})

    def assert_first_answer(self) -> None:
        """The answer is byte for byte the first one, and no second order exists."""
        answer = self.start_again()
        assert (answer.status_code, answer.content) == (200, self.first.content)
        assert Order.objects.count() == 1
