"""Leases, and hosts whose clocks differ."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from assessments.models import Order
from tests.fixtures.world import World


@pytest.mark.anywhere
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wrong_clock_neither_takes_over_a_lease_nor_shortens_it(world: World, hours: int) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("all processes have the same clock")
    order = world.placed()
    wrong = timezone.now() + timedelta(hours=hours)
    orders = Order.objects.filter(pk=order.pk)
    assert orders.acquire([order.pk], wrong)
    for clock in (wrong, timezone.now()):
        assert not orders.lease_expired(clock).exists()
        assert orders.acquire([order.pk], clock) is None
    leased = Order.objects.get(pk=order.pk)
    assert timedelta(0) < leased.leased_until - timezone.now() <= timedelta(minutes=1)
