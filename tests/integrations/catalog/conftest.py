"""Jobs of Acme."""

import pytest

from integrations.models import Job
from tests.fixtures.world import World


@pytest.fixture
def jobs(world: World) -> list[Job]:
    acme = world.acme.organization
    titles = ["Baker", "Clerk", "Driver"]
    return [
        Job.objects.create(organization=acme, ashby_id=f"job-{number}", title=title)
        for number, title in enumerate(titles, start=1)
    ]
