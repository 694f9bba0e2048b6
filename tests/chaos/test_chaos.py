"""The fault machine's short form: real processes, everything breaks, nothing is lost."""

import os

import pytest

from .__main__ import run
from .audit import KINDS
from .plan import make_plan
from .table import print_table

#: Besides the failures of both partners.
EVERY_KIND = {
    *("kill -9 web", "kill -9 web child", "kill -9 worker", "kill -9 worker2", "kill -9 scheduler"),
    *("kill -9 broker", "wipe broker", "stop", "failpoint", "sleep at", "move clock", "disk full"),
    *("rotate key", "rotate keys early"),
}


@pytest.mark.journey
@pytest.mark.xdist_group("embedded")
def test_whatever_dies_nothing_is_lost_doubled_out_of_order_or_unexplained() -> None:
    """On the embedded defaults; ``make chaos`` runs the long form, on PostgreSQL and Redis too."""
    plan = make_plan(int(os.environ.get("CHAOS_SEED", "4")), 12, "embedded", short=True)
    assert {fault.kind for fault in plan.faults} >= EVERY_KIND
    result = run(plan, "embedded")
    print_table(result)
    assert {kind: result.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert len(result.ledgers.accepted) == 12
    assert sum(result.injected.values()) >= len(plan.faults) > 30
