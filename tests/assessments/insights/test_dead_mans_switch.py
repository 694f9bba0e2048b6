"""``HEARTBEAT_URL`` is called every minute while all is healthy."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
import time_machine
from django.utils import timezone

from assessments.models import Heartbeat
from assessments.tasks import call_dead_mans_switch
from tests.assessments.notifications.sending import NINE

URL = "https://alive.test/ping/secret-id"


@pytest.fixture(autouse=True)
def clock(db, settings) -> Iterator[time_machine.Traveller]:
    settings.HEARTBEAT_URL = URL
    with time_machine.travel(NINE, tick=False) as traveller:
        beat()
        yield traveller


def beat(*kinds: str) -> None:
    for kind in kinds or ("worker", "scheduler"):
        Heartbeat.beat(kind, timezone.now())


def calls(wire: responses.RequestsMock) -> int:
    call_dead_mans_switch()
    return len([call for call in wire.calls if call.request.url == URL])


def test_it_is_called_once_a_minute_by_several_schedulers(wire: responses.RequestsMock, clock) -> None:
    wire.post(URL, body="OK")
    assert [calls(wire), calls(wire)] == [1, 1]
    clock.shift(timedelta(minutes=1))
    beat()
    assert calls(wire) == 2


def test_it_is_not_called_while_a_part_of_the_portal_fails(
    wire: responses.RequestsMock, clock, caplog
) -> None:
    wire.post(URL, body="OK")
    clock.shift(timedelta(minutes=2))
    beat("worker")
    assert calls(wire) == 0
    assert "HEARTBEAT_URL is not called while these parts fail: scheduler" in caplog.text


def test_a_failing_call_is_logged_without_the_secret_address(wire: responses.RequestsMock, caplog) -> None:
    wire.post(URL, status=500)
    assert calls(wire) == 1
    assert "HEARTBEAT_URL could not be called: alive.test" in caplog.text
    assert "secret-id" not in caplog.text


def test_without_the_setting_nothing_is_called(wire: responses.RequestsMock, settings) -> None:
    settings.HEARTBEAT_URL = ""
    assert calls(wire) == 0
