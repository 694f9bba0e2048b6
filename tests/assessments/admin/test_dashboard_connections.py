"""The connections on the dashboard, those with a problem first."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from assessments.models import Heartbeat
from integrations.connections.pauses import pause
from integrations.models import Connection, Organization
from tests.fixtures.admin import Desk, words
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def _ashby_has_called(request: pytest.FixtureRequest) -> None:
    """Both organizations are set up, and a worker and a scheduler run."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world")
        Connection.objects.update(last_inbound_call_at=timezone.now() - timedelta(days=1))
        for name in ("worker", "scheduler"):
            Heartbeat.beat(name, timezone.now())


def rows(page: str) -> list[str]:
    table = page.split('class="dashboard-health"')[1].split("</section>")[0]
    return [words(row) for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", table, re.DOTALL)]


def test_connections_with_a_problem_come_first(world: World, desk: Desk) -> None:
    now = timezone.now()
    Connection.objects.filter(pk=world.acme.connection.pk).update(
        last_inbound_call_at=now - timedelta(minutes=3, seconds=5),
        ashby_last_success_at=now - timedelta(hours=2, seconds=5),
        justifacts_answered_at=now,
    )
    pause(world.globex.organization, "Ashby refused the key.", now - timedelta(hours=5))
    first, second = rows(desk.html("index"))
    assert first.startswith("Globex Paused for 5 h Ashby refused the key.")
    assert "Last call from Ashby 1 d ago" in first
    assert second == (
        "Acme OK Last call from Ashby 3 min ago Last update accepted by Ashby 2 h ago "
        "Last response from Justifacts just now"
    )
    assert "but one connection has a problem; see below." in desk.open("index")


def test_a_failing_and_a_disabled_connection_are_shown(world: World, desk: Desk) -> None:
    since = timezone.now() - timedelta(minutes=26, seconds=1)
    Connection.objects.filter(pk=world.globex.connection.pk).update(
        justifacts_problem="Justifacts did not answer.", justifacts_problem_since=since
    )
    Connection.objects.filter(pk=world.acme.connection.pk).update(is_enabled=False)
    Organization.objects.create(name="Zeta", slug="zeta")
    globex, zeta, acme = rows(desk.html("index"))
    assert globex.startswith("Globex Problem with Justifacts for 26 min Justifacts did not answer.")
    assert zeta.startswith("Zeta Not set up yet")
    assert acme.startswith("Acme Disabled")


def test_connections_beyond_the_first_20_are_summarized(world: World, desk: Desk) -> None:
    Organization.objects.bulk_create(
        Organization(name=f"Z {place:02}", slug=f"z-{place}") for place in range(25)
    )
    page = desk.html("index")
    assert len(rows(page)) == 20
    assert "And 7 more organizations without problems." in words(page)
