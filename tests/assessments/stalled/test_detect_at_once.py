"""Two simultaneous threads flag an order once and send one note."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, OrderEvent, StallThresholds
from assessments.stalled.detect import detect_stalled
from tests.e2e.portal.processes import eventually
from tests.fixtures.servers.services import on_postgresql
from tests.fixtures.world import World

pytestmark = [pytest.mark.anywhere, on_postgresql, pytest.mark.django_db(transaction=True)]


def _detect(counts: list[int]) -> None:
    try:
        counts.append(len(detect_stalled(timezone.now()).with_note))
    finally:
        database.close()


def _waiting_for_a_lock() -> int:
    with database.cursor() as cursor:
        # Otherwise the statistics stay the same within a transaction.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
            "wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_two_simultaneous_runs_flag_an_order_and_send_a_note_once(world: World) -> None:
    StallThresholds.objects.create(organization=world.acme.organization, notify_ashby=True)
    order = world.placed()
    Order.objects.update(status_since=timezone.now() - timedelta(days=4))
    counts: list[int] = []
    threads = [threading.Thread(target=_detect, args=(counts,)) for _ in range(2)]
    try:
        with transaction.atomic():
            # Both threads find the order and wait for its lock.
            Order.objects.select_for_update().get(pk=order.pk)
            for thread in threads:
                thread.start()
            eventually(lambda: _waiting_for_a_lock() == 2, "both threads wait for the lock")
    finally:
        for thread in threads:
            thread.join()
    assert sorted(counts) == [0, 1]
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.STALLED).count() == 1
    assert AshbyUpdate.objects.filter(summary="Justifacts Received, waiting").count() == 1
