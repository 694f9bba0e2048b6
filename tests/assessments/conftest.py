"""Fixtures for the tests of reconciliation."""

from collections.abc import Iterator

import pytest
import time_machine

from integrations.models import Package
from tests.assessments.reconciliation.reconciling import NINE
from tests.fixtures.world import World


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Nine o'clock, until a test moves the clock."""
    with time_machine.travel(NINE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def settled(world: World, clock: time_machine.Traveller) -> World:
    """Both partners work, with the packages and jobs that the portal knows."""
    world.ashby_takes_everything()
    world.ashby("job.list", {"success": True, "results": [], "moreDataAvailable": False})
    sold = [
        {"assessment_type_id": one.justifacts_id, "name": one.name, "description": one.description}
        for one in Package.objects.filter(organization=world.acme.organization)
    ]
    world.justifacts("assessment.list", {"success": True, "results": sold})
    return world
