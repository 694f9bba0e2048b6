"""Orders in each status, and what their stall leaves behind."""

from datetime import UTC, datetime, timedelta

import time_machine

from assessments import tasks
from assessments.models import Order, OrderEvent, StallThresholds
from tests.fixtures.world import World

#: A Wednesday.
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


PROVIDER_STATUSES = {
    "received": "Justifacts Received",
    "applicant_started": "Applicant Started",
    "in_process": "In Process: Justifacts",
}


def in_status(world: World, status: str) -> Order:
    """An order that has just reached the status."""
    if status == "accepted":
        return world.start()
    order = world.placed()
    world.push(order, PROVIDER_STATUSES[status])
    return fresh(order)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order


def watch_after(clock: time_machine.Traveller, time: timedelta) -> None:
    """Moves the clock and runs the periodic task."""
    clock.shift(time)
    tasks.watch()


def set_thresholds(world: World, **limits: object) -> None:
    StallThresholds.objects.update_or_create(organization=world.acme.organization, defaults=limits)


def stall_events(order: Order) -> list[str]:
    return [event.summary for event in order.events.filter(kind=OrderEvent.Kind.STALLED)]


def stall_notes(world: World) -> list[tuple[str, str]]:
    """The notes that Ashby received, each with the status in the same update."""
    return [
        (body["assessment_status"]["value"], item["value"])
        for body in world.sent("assessment.update")
        for item in body.get("metadata", [])
        if item["identifier"] == "waiting"
    ]
