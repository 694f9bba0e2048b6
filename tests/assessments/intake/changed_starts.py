"""Starts with one part changed."""

import copy
import json
from typing import Any

from assessments.models import Order
from tests.fixtures.world import World

START = "/ashby/assessment.start"


def changed(body: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy of ``body`` with ``value`` at ``place`` ("candidate.email")."""
    body = copy.deepcopy(body)
    *parents, name = place.split(".")
    part = body
    for parent in parents:
        part = part[parent]
    part[name] = value
    return body


def assert_accepted(world: World, place: str, value: Any, body: dict[str, Any] | None = None) -> Order:
    """The order of a start with ``value`` at ``place``."""
    content = json.dumps(changed(body or world.start_body(), place, value))
    answer = world.call(START, content)
    assert answer.status_code == 200, (place, value, answer.content)
    return Order.objects.get(pk=answer.json()["results"]["assessment_id"])


def assert_refused(world: World, place: str, value: Any) -> str:
    """The text for the recruiter; no order is created."""
    answer = world.call(START, json.dumps(changed(world.start_body(), place, value)))
    assert answer.status_code == 422, (place, value, answer.content)
    assert world.row_counts() == (0, 0, 0)
    return str(answer.json()["message"])
