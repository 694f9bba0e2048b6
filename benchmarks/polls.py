"""Polls per second of the portal and of plain ``requests``, in turns, in one process like a worker's:
``python -m benchmarks.inside polls ORDERS ROUNDS``. Prints the rates of each round as JSON."""

import json
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests
from django.db.models import Q
from django.utils import timezone

from assessments.models import Order, PendingCall
from assessments.statuses import Status
from assessments.tracking.poll import BATCH, poll
from benchmarks.stack import VERIFICATION_KEY
from integrations.connections.clients import justifacts_client
from integrations.justifacts.client import address
from integrations.models import Connection

_THREADS = 20
_thread = threading.local()


def main() -> None:
    count, rounds = map(int, sys.argv[2:])
    connection = Connection.objects.select_related("organization").get(organization__slug="bench")
    orders = _placed_orders(connection, count)
    plain = _PlainRequests(address(connection.staging_base_url, "assessment.status"))
    candidates = [("portal", _poll), ("reference", plain.poll)]
    rates: dict[str, list[float]] = {name: [] for name, _run in candidates}
    rows = Order.objects.filter(pk__in=[order.pk for order in orders])
    for number in range(rounds + 1):
        rows.update(next_attempt_at=timezone.now())
        for name, run in candidates if number % 2 else reversed(candidates):
            began = time.perf_counter()
            run(orders)
            # The first round only opens the connections.
            if number:
                rates[name].append(len(orders) / (time.perf_counter() - began))
    if rows.filter(Q(last_polled_at=None) | ~Q(last_call_error="")).exists():
        sys.exit("Some polls failed: the rates are not valid.")
    print(json.dumps(rates))


def _placed_orders(connection: Connection, count: int) -> list[Order]:
    """Orders that are placed at Justifacts and do not change."""
    package = connection.organization.packages.order_by("pk")[0]
    client = justifacts_client(connection)
    orders = []
    for _ in range(count):
        order = Order(
            organization=connection.organization,
            package=package,
            application_id=str(uuid.uuid4()),
            job_id="job-1",
            candidate_first_name="Zoë",
            candidate_last_name="O'Neil",
            candidate_email="zoe.oneil@example.com",
            status=Status.RECEIVED,
            justifacts_status="Justifacts Received",
            next_call=PendingCall.POLL,
            may_have_been_sent=True,
        )
        order.application, order.job = {"ashby_id": order.application_id}, {"ashby_id": order.job_id}
        order.justifacts_order_id = client.start(order.start_request, str(order.pk)).justifacts_order_id
        orders.append(order)
    return Order.objects.bulk_create(orders)


def _poll(orders: list[Order]) -> None:
    ids = [order.pk for order in orders]
    for start in range(0, len(ids), BATCH):
        poll(ids[start : start + BATCH])


class _PlainRequests:
    """The same calls with a ``requests`` session in each of as many threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = ThreadPoolExecutor(_THREADS)

    def poll(self, orders: list[Order]) -> None:
        list(self._pool.map(self._ask, orders))

    def _ask(self, order: Order) -> None:
        if not hasattr(_thread, "session"):
            _thread.session = requests.Session()
        body = {"assessment_id": order.justifacts_order_id}
        answer = _thread.session.post(self._url, json=body, auth=(VERIFICATION_KEY, ""), timeout=(3, 10))
        if answer.json()["success"] is not True:
            raise RuntimeError("The sandbox refused a poll.")
