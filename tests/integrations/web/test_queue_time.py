"""A start that waited long in the web server's queue is refused, because Ashby may have given it up."""

import time

import pytest

from assessments.models import Order
from integrations.web.queue_time import QueueClock, queue_clock
from tests.fixtures.world import World


def start(world: World, header: str) -> int:
    answer = world.call("/ashby/assessment.start", world.start_body(), HTTP_X_REQUEST_START=header)
    return int(answer.status_code)


@pytest.fixture(autouse=True)
def _first_requests() -> None:
    vars(queue_clock).update(vars(QueueClock()))


@pytest.mark.parametrize("clock_difference", [0, -3600, 8])
def test_a_start_that_waited_in_the_queue_is_refused_whatever_the_proxys_clock_says(
    world: World, clock_difference: int
) -> None:
    now = time.time() + clock_difference
    assert start(world, f"t={now:.3f}") == 200
    assert start(world, f"t={now - 6:.3f}") == 503
    assert start(world, f"t={now - 3:.3f}") == 200
    assert Order.objects.count() == 2


@pytest.mark.parametrize("form", ["t={:.3f}", "{:.6f}", "t={:.0f}000", "t={:.0f}000000", "{:.0f}"])
def test_seconds_milliseconds_and_microseconds_are_read(form: str) -> None:
    clock, now = QueueClock(), time.time()
    waited = [
        clock.seconds_waited({"HTTP_X_REQUEST_START": form.format(moment)}) for moment in (now, now - 20)
    ]
    assert [round(seconds) for seconds in waited] == [0, 20]


@pytest.mark.parametrize("header", ["", "t=", "yesterday", "t=1e10", "t=-1", "t=99", "t=1700000000.1.2"])
def test_a_header_without_a_time_is_ignored(world: World, header: str) -> None:
    assert [start(world, f"t={time.time():.3f}"), start(world, header)] == [200, 200]


def test_one_request_with_a_wrong_time_makes_later_starts_look_late_for_two_minutes_at_most() -> None:
    """A proxy's clock may be ahead until it is set."""
    seconds = 0.0
    wall, clock = time.time(), QueueClock(lambda: seconds)

    def waited(after: float, ahead: float = 0) -> int:
        nonlocal seconds
        seconds = after
        return round(clock.seconds_waited({"HTTP_X_REQUEST_START": f"t={wall + after + ahead:.3f}"}))

    assert waited(0, ahead=30) == 0
    assert [waited(1), waited(59)] == [30, 30]
    assert [waited(later) for later in (119, 121, 180, 300)] == [30, 30, 0, 0]
