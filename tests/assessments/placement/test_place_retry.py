"""Placement is retried while no request reaches Justifacts."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from django.utils import timezone
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from assessments.models import CallAttempt, Order
from assessments.placement.next_call import make_next_call
from integrations.http.transport import NoSecureConnection
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def no_connection() -> Exception:
    return requests.ConnectionError(
        MaxRetryError(None, "/", NewConnectionError(None, "[Errno 111] Connection refused"))
    )


def no_tls() -> Exception:
    return requests.ConnectionError(MaxRetryError(None, "/", NoSecureConnection(None, "SSLError")))


def no_such_name() -> requests.ConnectionError:
    connection = HTTPSConnection("justifacts.test")
    reason = NameResolutionError("justifacts.test", connection, socket.gaierror(-2, "unknown"))
    return requests.ConnectionError(MaxRetryError(None, "/", reason))


NOT_SENT = [
    pytest.param({"body": requests.ConnectTimeout("timed out")}, id="connect time-out"),
    pytest.param({"body": no_connection()}, id="connection refused"),
    pytest.param({"body": no_such_name()}, id="unknown name"),
    pytest.param({"body": no_tls()}, id="bad certificate"),
    pytest.param({"body": {"success": False}, "status": 429}, id="429"),
    pytest.param({"body": "busy", "status": 503}, id="503"),
]


def wait_of(order: Order) -> float:
    order.refresh_from_db()
    assert order.next_call == "place"
    assert order.next_attempt_at
    return (order.next_attempt_at - timezone.now()).total_seconds()


@pytest.mark.parametrize("answer", NOT_SENT)
def test_an_order_that_was_not_sent_is_placed_later_without_a_look_up(world: World, clock, answer) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", **answer)
    world.work()
    assert wait_of(order) == 5
    assert not order.needs_attention
    assert CallAttempt.objects.get().outcome == "not_sent"
    assert not make_next_call(order.pk)

    clock.shift(5)
    world.justifacts_takes("JF-5")
    world.work()
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id, order.last_call_error) == ("received", "JF-5", "")
    assert not world.sent("assessment.status")
    assert world.delivered(order) == ["Justifacts Received"]


def test_backoff_grows_to_an_hour(world: World, clock) -> None:
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectTimeout())
    waits = []
    for _ in range(8):
        world.work()
        waits.append(wait_of(order))
        clock.shift(waits[-1])
    assert waits == [5, 15, 60, 300, 900, 3600, 3600, 3600]


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        (429, "7.5", 7.5),
        (429, "0", 1),
        (429, "soon", 5),
        (503, "120", 120),
        (503, "999999999", 86400),
    ],
)
def test_retry_after_from_justifacts_is_obeyed_within_limits(
    world: World, status: int, retry_after: str, wait: float
) -> None:
    order = world.start()
    world.justifacts("assessment.start", {}, status, headers={"Retry-After": retry_after})
    world.work()
    assert wait_of(order) == wait


def test_after_an_hour_the_order_needs_attention_and_retries_continue(world: World, clock) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectTimeout())
    began = timezone.now()
    while timezone.now() - began <= timedelta(hours=1):
        world.work()
        order.refresh_from_db()
        assert not order.needs_attention
        clock.shift(wait_of(order))
    world.work()
    order.refresh_from_db()
    assert order.attention_topic == "placing"
    assert "more than an hour: No connection to justifacts.test could be made." in order.attention_reason
    flags = order.events.filter(kind="needs_attention")
    clock.shift(wait_of(order))
    world.work()
    assert flags.count() == 1

    clock.shift(wait_of(order))
    world.justifacts_takes("JF-6")
    world.work()
    order.refresh_from_db()
    assert (order.status, order.needs_attention, order.attention_reason) == ("received", False, "")


def test_an_order_that_is_certainly_absent_is_placed_after_an_hour_of_failures(world: World, clock) -> None:
    """The order needed attention because nothing could be sent; its outcome was never unknown."""
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectTimeout())
    world.work()
    clock.shift(3601)
    world.work()
    order.refresh_from_db()
    assert order.needs_attention

    clock.shift(wait_of(order))
    world.justifacts("assessment.start", requests.ReadTimeout())
    world.justifacts("assessment.status", {"success": False, "errors": ["assessment_not_found"]})
    world.work()
    order.refresh_from_db()
    assert "could not be sent" not in order.attention_reason
    world.justifacts_takes("JF-7")
    for _ in range(4):
        clock.shift(10)
        world.work()
    order.refresh_from_db()
    assert (order.status, order.justifacts_order_id, order.needs_attention) == ("received", "JF-7", False)


def test_a_waiting_order_causes_no_update(world: World) -> None:
    """Ashby shows “Sending to Justifacts” until the first update."""
    order = world.start()
    world.justifacts("assessment.start", requests.ConnectTimeout())
    world.work()
    assert not world.waiting(order)


def test_a_disabled_connection_sends_nothing_until_it_is_enabled(world: World) -> None:
    order = world.start()
    connection = world.acme.connection
    type(connection).objects.filter(pk=connection.pk).update(is_enabled=False)
    world.justifacts_takes("JF-8")
    world.work()
    assert not world.sent("assessment.start")
    type(connection).objects.filter(pk=connection.pk).update(is_enabled=True)
    world.ashby_takes_everything()
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-8"
