"""The fault machine's short form: real processes, everything breaks, nothing is lost."""

import os

import pytest

from .__main__ import run
from .audit import KINDS
from .plan import make_plan
from .table import print_table


@pytest.mark.journey
@pytest.mark.xdist_group("chaos")
def test_whatever_dies_nothing_is_lost_doubled_out_of_order_or_unexplained() -> None:
    """On the embedded defaults; ``make chaos`` runs the long form, on PostgreSQL and Redis too."""
    plan = make_plan(int(os.environ.get("CHAOS_SEED", "4")), 20, "embedded")
    result = run(plan, "embedded")
    print_table(result)
    assert {kind: result.count(kind) for kind in KINDS} == dict.fromkeys(KINDS, 0)
    assert len(result.ledgers.accepted) == 20
    assert sum(result.injected.values()) > 20
