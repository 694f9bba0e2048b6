"""Faults outside any view still answer a machine in the protocol's envelope."""

import pytest

from tests.world import World

pytestmark = pytest.mark.anywhere


def test_a_host_that_is_not_ours_gets_the_envelope(world: World) -> None:
    """Someone points Ashby at an address that the portal does not know as its own."""
    answer = world.call("/ashby/assessment.list", {}, HTTP_HOST="stranger.test")
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["errorInfo"]["code"] == "bad_request"


def test_a_person_at_a_wrong_host_gets_a_page(world: World) -> None:
    """The envelope is for machines only."""
    answer = world.client.get("/admin/", HTTP_HOST="stranger.test")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")
