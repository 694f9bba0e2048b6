"""Two schedulers, two workers, one moment: an order is flagged once, and Ashby told once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from assessments.models import AshbyUpdate, Order, OrderEvent, StallThresholds
from assessments.stalled.detect import detect_stalled
from tests.e2e.processes import eventually
from tests.fixtures.services import on_postgresql
from tests.fixtures.world import World

pytestmark = [pytest.mark.anywhere, on_postgresql, pytest.mark.django_db(transaction=True)]


def _run(answers: list[int]) -> None:
    try:
        answers.append(len(detect_stalled(timezone.now())))
    finally:
        database.close()


def _waiting_for_a_lock() -> int:
    with database.cursor() as cursor:
        # A transaction else sees what its first look has seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
            "wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def test_two_runs_at_once_flag_and_tell_once(world: World) -> None:
    StallThresholds.objects.create(organization=world.acme.organization, tell_ashby=True)
    order = world.placed()
    Order.objects.update(status_since=timezone.now() - timedelta(days=4))
    answers: list[int] = []
    runs = [threading.Thread(target=_run, args=(answers,)) for _ in range(2)]
    try:
        with transaction.atomic():
            # Both find it, and neither can write yet.
            Order.objects.select_for_update().get(pk=order.pk)
            for run in runs:
                run.start()
            eventually(lambda: _waiting_for_a_lock() == 2, "both wait for the order")
    finally:
        for run in runs:
            run.join()
    assert sorted(answers) == [0, 1]
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.STALLED).count() == 1
    assert AshbyUpdate.objects.filter(summary="Justifacts Received, waiting").count() == 1
