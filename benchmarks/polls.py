"""Polls a second, through the portal's own service and with bare ``requests``, in turns, in one
process each as a worker's: ``python -m benchmarks.inside polls``. Prints JSON."""

import json
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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
_ORDERS = 200
_ROUNDS = 8
_ours = threading.local()


@dataclass(frozen=True)
class _Side:
    name: str
    prepare: Callable[[list[Order]], None]
    run: Callable[[list[Order]], None]


def main() -> None:
    connection = Connection.objects.select_related("organization").get(organization__slug="bench")
    orders = _placed_orders(connection)
    bare = _Bare(address(connection.staging_base_url, "assessment.status"))
    sides = [_Side("portal", _make_due, _poll), _Side("reference", lambda orders: None, bare.poll)]
    rates: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(_ROUNDS + 1):
        for side in sides if number % 2 else reversed(sides):
            side.prepare(orders)
            began = time.perf_counter()
            side.run(orders)
            # The first round opens the connections.
            if number:
                rates[side.name].append(len(orders) / (time.perf_counter() - began))
    missed = Q(last_polled_at=None) | ~Q(last_call_error="")
    if Order.objects.filter(missed, pk__in=[order.pk for order in orders]).exists():
        sys.exit("Not every poll was answered: the rates say nothing.")
    print(json.dumps(rates))


def _placed_orders(connection: Connection) -> list[Order]:
    """Orders that Justifacts has, and says nothing new about."""
    package = connection.organization.packages.order_by("pk")[0]
    client = justifacts_client(connection)
    orders = []
    for _ in range(_ORDERS):
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


def _make_due(orders: list[Order]) -> None:
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(next_attempt_at=timezone.now())


def _poll(orders: list[Order]) -> None:
    """As the worker does it: one task a batch."""
    ids = [order.pk for order in orders]
    for start in range(0, len(ids), BATCH):
        poll(ids[start : start + BATCH])


class _Bare:
    """The same question, asked with a ``requests`` session in each of as many threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = ThreadPoolExecutor(_THREADS)

    def poll(self, orders: list[Order]) -> None:
        list(self._pool.map(self._ask, orders))

    def _ask(self, order: Order) -> None:
        if not hasattr(_ours, "session"):
            _ours.session = requests.Session()
        body = {"assessment_id": order.justifacts_order_id}
        answer = _ours.session.post(self._url, json=body, auth=(VERIFICATION_KEY, ""), timeout=(3, 10))
        if answer.json()["success"] is not True:
            raise RuntimeError("Justifacts' stand-in refused a poll.")
