"""The recovery log, and the recovery after a restore."""

import os
import re
import resource
import signal
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from assessments import recovery_log
from assessments.models import AshbyUpdate, Order
from assessments.reconciliation.run import reconcile_now
from assessments.recovery import recover_after_restore
from tests.fixtures.world import World, data

pytestmark = pytest.mark.anywhere


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False) as traveller:
        yield traveller


def delete(order: Order) -> None:
    """Deletes the order, as if the database came from a backup older than the start."""
    order.attempts.all().delete()
    AshbyUpdate.objects.filter(order=order).delete()
    order.inbound_requests.all().update(order=None)
    Order.objects.filter(pk=order.pk).delete()


def look_up_answer(order_id: object, number: str) -> dict:
    return {"success": True, "results": {"assessment_id": number, "reference_id": str(order_id)}}


def test_a_missing_order_is_rebuilt_with_its_id_and_linked(world: World, clock, settings) -> None:
    world.ashby_takes_everything()
    order = world.placed("JF-1", additional_fields={"state": "Illinois"})
    delete(order)
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    clock.shift(timedelta(minutes=5))
    assert recover_after_restore(timezone.now()).made_again == 1
    world.work()
    again = Order.objects.get(pk=order.pk)
    assert (again.justifacts_order_id, again.candidate_email) == ("JF-1", order.candidate_email)
    assert (again.additional_fields, again.created_at) == ({"state": "Illinois"}, order.created_at)
    assert len(world.sent("assessment.start")) == 1
    assert recover_after_restore(timezone.now()).made_again == 0, "a second run rebuilds nothing"


def test_a_repeated_start_after_a_restore_creates_no_second_order(world: World, clock) -> None:
    body = world.start_body()
    first = world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"]
    delete(Order.objects.get(pk=first))
    recover_after_restore(timezone.now())
    assert world.call("/ashby/assessment.start", body).json()["results"]["assessment_id"] == first


def test_an_unplaced_order_is_looked_up_before_it_is_placed(world: World) -> None:
    world.ashby_takes_everything()
    order = world.start()
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    assert recover_after_restore(timezone.now()).looked_up == 1
    world.work()
    order.refresh_from_db()
    assert order.justifacts_order_id == "JF-1"
    assert not world.sent("assessment.start")


def test_open_orders_are_polled_immediately(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.work()
    results = look_up_answer(order.pk, "JF-2026-1")["results"] | {
        "assessment_status": data("s", "Applicant Started")
    }
    world.justifacts("assessment.status", {"success": True, "results": results})
    assert recover_after_restore(timezone.now()).polled == 1
    world.work()
    assert world.delivered(order)[-1] == "Applicant Started"


def test_a_reconciliation_rebuilds_missing_orders_too(world: World) -> None:
    order = world.placed()
    delete(order)
    world.justifacts("assessment.status", look_up_answer(order.pk, "JF-1"))
    report = reconcile_now(world.acme.organization, "Ada")
    assert report.resolved >= 1
    assert Order.objects.filter(pk=order.pk).exists()


def test_the_log_is_private_and_encrypted(world: World, settings) -> None:
    world.start()
    (file,) = Path(settings.RECOVERY_LOG_DIR).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(settings.RECOVERY_LOG_DIR).stat().st_mode) == 0o700
    assert not re.search("oneil@|zoë|engineer", file.read_text(), re.IGNORECASE)


def test_a_start_succeeds_if_the_log_cannot_be_written(world: World, settings, client, tmp_path) -> None:
    (tmp_path / "file").touch()
    settings.RECOVERY_LOG_DIR = tmp_path / "file" / "log"
    world.start()
    parts = client.get("/health/ready").json()["parts"]
    assert parts["journal"]["ok"] is False


def test_an_incomplete_line_is_skipped(world: World, settings) -> None:
    first, second = world.start(), world.start()
    (file,) = Path(settings.RECOVERY_LOG_DIR).iterdir()
    lines = file.read_text().splitlines()
    file.write_text(f"{lines[0][:50]}\n{lines[1]}\n")
    since = timezone.now() - timedelta(days=1)
    assert [entry["assessment_id"] for entry in recovery_log.entries(since)] == [str(second.pk)]
    assert first.pk != second.pk


def test_files_are_deleted_after_two_weeks(world: World, settings, clock) -> None:
    world.start()
    clock.shift(timedelta(days=14))
    recovery_log.delete_expired(timezone.now())
    assert os.listdir(settings.RECOVERY_LOG_DIR)
    clock.shift(timedelta(days=1))
    recovery_log.delete_expired(timezone.now())
    assert not os.listdir(settings.RECOVERY_LOG_DIR)


def test_the_line_after_an_incomplete_one_is_readable(world: World, settings) -> None:
    world.start()
    [file] = Path(settings.RECOVERY_LOG_DIR).glob("*.journal")
    file.write_bytes(file.read_bytes() + file.read_bytes()[:100])
    order = world.start()
    assert str(order.pk) in [entry["assessment_id"] for entry in recovery_log.entries(timezone.now())]


def test_a_partly_written_line_is_an_error(world: World, settings, caplog) -> None:
    order = world.start()
    [file] = Path(settings.RECOVERY_LOG_DIR).glob("*.journal")
    usual, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 100, limits[1]))
    try:
        assert not recovery_log.log_start(order)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, usual)
    assert ".journal: OSError" in caplog.text
    assert recovery_log.log_start(order), "the disk has space again"
    assert len(list(recovery_log.entries(timezone.now()))) == 2
