"""A hanging Justifacts and many updates of some organizations delay no other organization."""

import time

import pytest

from tests.e2e.portal.processes import Employer, Portal, eventually
from tests.fixtures.servers.portals import on_embedded

pytestmark = pytest.mark.journey

BAR_SECONDS = 5


@on_embedded
def test_a_hanging_justifacts_and_many_updates_delay_no_other_organization(portal: Portal) -> None:
    """On SQLite, where writers wait for each other."""
    busy, hanging, other = Employer(portal), Employer(portal, push=False), Employer(portal)
    busy.fails("ashby", "503", seconds=4)
    checks = [busy.start() for _ in range(30)]
    for check in checks:
        eventually(lambda check=check: busy.justifacts_orders(check), "Justifacts has the order")
        for status in ("Applicant Started", "In Process: Justifacts", "Complete"):
            busy.step(check, status=status)
    hanging.fails("justifacts", "hang", seconds=12)
    for _ in range(12):
        hanging.start()
    busy.works_again("ashby")
    waits = []
    for _ in range(3):
        began = time.monotonic()
        check = other.start()
        eventually(
            lambda check=check: other.delivered(check) == ["Justifacts Received"], "the other's check", 30
        )
        waits.append(time.monotonic() - began)
    print(f"placed and delivered after {', '.join(f'{wait:.1f} s' for wait in waits)}")
    assert max(waits) < BAR_SECONDS
    hanging.works_again("justifacts")
