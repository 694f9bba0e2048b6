"""Helpers of the tests of reconciliation."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import responses
from django.db import connections

from assessments.models import Order, Reconciliation
from assessments.reconciliation.run import reconcile_now
from tests.fixtures.world import JUSTIFACTS, World, data

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOT_FOUND = {"success": False, "errors": ["assessment_not_found"]}


def status_message(order: Order, number: str = "JF-2026-1", status: str = "", **parts: Any) -> dict[str, Any]:
    """Justifacts' answer about an order."""
    status_part = {"assessment_status": data("status", status)} if status else {}
    results = {"assessment_id": number, "reference_id": str(order.pk), "timestamp": 1, **status_part, **parts}
    return {"success": True, "results": results}


def justifacts_says(
    world: World, order: Order, number: str = "JF-2026-1", status: str = "", **parts: Any
) -> None:
    world.justifacts("assessment.status", status_message(order, number, status, **parts))


def lines(report: Reconciliation, outcome: str) -> list[str]:
    return [line.text for line in report.discrepancies.filter(outcome=outcome)]


def run(world: World) -> Reconciliation:
    return reconcile_now(world.acme.organization, "Ada")


def meanwhile(world: World, answer: dict[str, Any], happens: Callable[[], object]) -> None:
    """Makes something happen once, after a reconciliation has asked about an order and before the answer."""
    ours, events = connections["default"], [happens]

    def answered(_request: object) -> tuple[int, dict[str, str], str]:
        try:
            event = events.pop()
        except IndexError:
            # Several threads ask; only one of them causes the event.
            return 200, {}, json.dumps(answer)
        # In a polling thread: it uses the test's own connection, which waits for the answer.
        ours.inc_thread_sharing()
        connections["default"] = ours
        try:
            event()
        finally:
            del connections["default"]
            ours.dec_thread_sharing()
        return 200, {}, json.dumps(answer)

    url = f"{JUSTIFACTS}assessment.status"
    world.wire.remove(responses.POST, url)
    world.wire.add_callback(responses.POST, url, answered)
