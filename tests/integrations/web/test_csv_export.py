"""Downloads of any length: complete, and never so many at once that Ashby would have to wait."""

import csv
import gc
import io
import socket
import time
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError, connection
from django.urls import reverse

from assessments.models import Order
from config.wsgi import disconnect_stalled_readers
from integrations.models import AuditLogEntry
from integrations.web import csv_export
from tests.fixtures.admin import Desk, colleague, signed_in
from tests.fixtures.world import World

ORDERS = "admin:assessments_order_export"
AUDIT = "admin:integrations_auditlogentry_export"


@pytest.fixture
def orders(world: World, settings) -> list[Order]:
    """Five, read in batches of two."""
    settings.BATCH_SIZES = settings.BATCH_SIZES | {"csv": 2}
    starts = [{"application": {"ashby_id": f"application-{number}"}} for number in range(5)]
    return [world.start(**changes) for changes in starts]


def rows(pieces: list[bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8-sig"))))


def test_changes_during_a_download_cause_no_gap_and_no_duplicate(orders: list[Order], support: Desk):
    """After the first batch no order fits the filter any more."""
    answer = support.client.get(reverse(ORDERS), {"status": "accepted"})
    stream = iter(answer.streaming_content)
    begun = [next(stream), next(stream)]
    Order.objects.update(status="received")
    found = rows([*begun, *stream])[1:]
    assert {row[0] for row in found} == {str(order.pk) for order in orders}
    assert len(found) == 5
    assert [row[6] for row in found] == ["accepted"] * 2 + ["received"] * 3


def test_each_batch_is_one_short_query(orders: list[Order], support: Desk):
    """No cursor or transaction stays open while the reader takes the rows."""
    answer = support.client.get(reverse(ORDERS))
    stream, seen = iter(answer.streaming_content), list[str]()

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        for _ in stream:
            pass
    assert len(seen) == 3
    assert all(sql.startswith("SELECT") for sql in seen)


def test_a_download_that_breaks_off_says_so_in_its_last_line(orders: list[Order], support: Desk, caplog):
    """The web server would end it like a complete file."""
    answer = support.client.get(reverse(ORDERS))
    stream = iter(answer.streaming_content)
    begun = [next(stream), next(stream)]

    def away(*_: Any) -> Any:
        raise OperationalError("the connection is lost: zoe@example.com")

    with connection.execute_wrapper(away):
        found = rows([*begun, *stream])
    assert len(found) == 1 + 2 + 1
    assert "This file is incomplete" in found[-1][0]
    assert "zoe@" not in caplog.text


def test_a_download_ends_after_four_hours(orders: list[Order], support: Desk, monkeypatch):
    answer = support.client.get(reverse(ORDERS))
    stream = iter(answer.streaming_content)
    begun = [next(stream)]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + csv_export.LONGEST_SECONDS + 1)
    assert "This file is incomplete" in rows([*begun, *stream])[-1][0]


@pytest.mark.parametrize("address", [ORDERS, AUDIT])
def test_a_third_download_of_one_person_waits_for_the_others(
    address: str, orders: list[Order], operator: Desk
):
    """The page tries again by itself; nothing is written down as exported that was not."""
    first, second = (operator.client.get(reverse(address)) for _ in range(2))
    exported = AuditLogEntry.objects.filter(action="exported").count()
    logged = LogEntry.objects.count()
    third = operator.client.get(reverse(address))
    assert third.status_code == 429
    assert third["Refresh"] == third["Retry-After"] == "10"
    assert "Too many downloads are running" in third.content.decode()
    assert AuditLogEntry.objects.filter(action="exported").count() == exported
    assert LogEntry.objects.count() == logged
    first.close()
    third = operator.client.get(reverse(address))
    assert third.status_code == 200
    assert len(rows(list(third.streaming_content))) >= 2
    second.close()


def test_half_of_a_process_threads_stay_free_however_many_people_download(orders: list[Order]):
    people = [signed_in(colleague(f"support-{number}", "support")) for number in range(5)]
    running = [person.client.get(reverse(ORDERS)) for person in people[:4]]
    assert [answer.status_code for answer in running] == [200] * 4
    assert people[4].client.get(reverse(ORDERS)).status_code == 429
    # A response that nobody closes, such as after an error in a middleware, gives its place back too.
    running.clear()
    gc.collect()
    assert people[4].client.get(reverse(ORDERS)).status_code == 200


def test_a_reader_that_takes_nothing_is_disconnected():
    """Without a limit, a thread would wait for such a reader as long as the reader keeps the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        disconnect_stalled_readers(1)
        with socket.create_connection(listener.getsockname()):
            server, _ = listener.accept()
            with server, pytest.raises(TimeoutError):
                server.sendall(b"x" * 100_000_000)
