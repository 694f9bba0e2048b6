"""What both stores of the recovery log promise."""

import logging
import re
import threading
from datetime import timedelta
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet
from django.utils import timezone

from assessments.models import Order
from assessments.recovery_log import log
from assessments.recovery_log.store import Kind
from tests.fixtures.world import World, data


def started(since: timedelta = timedelta(days=14)) -> list[str]:
    return [entry["assessment_id"] for entry in log.entries(Kind.START, timezone.now() - since)]


def stored_bytes(settings) -> bytes:
    """All that the store holds, with the names of files."""
    if url := settings.RECOVERY_LOG_DATABASE_URL:
        with psycopg.connect(url) as connection:
            return repr(connection.execute("SELECT * FROM portal_recovery_log").fetchall()).encode()
    folder = Path(settings.RECOVERY_LOG_DIR)
    return b"".join(str(path).encode() + path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_entry_is_encrypted(world: World, settings) -> None:
    order = world.start()
    stored = stored_bytes(settings)
    assert str(order.pk).encode() in stored
    assert not re.search(b"oneil@|zo\xc3\xab|o'neil|engineer", stored, re.IGNORECASE)


def test_starts_are_deleted_after_two_weeks(world: World, settings, clock) -> None:
    order = world.start()
    clock.shift(timedelta(days=14))
    log.tidy(timezone.now())
    assert started() == [str(order.pk)]
    clock.shift(timedelta(days=1))
    log.tidy(timezone.now())
    assert not stored_bytes(settings)[2:]


def test_the_next_start_deletes_expired_ones_on_a_host_without_a_worker(world: World, clock) -> None:
    world.start()
    clock.shift(timedelta(days=15))
    order = world.start()
    assert started(timedelta(days=100)) == [str(order.pk)]


def test_a_repeated_start_keeps_the_first_entry(world: World, settings) -> None:
    order = world.start()
    stored = stored_bytes(settings)
    log.log_start(order)
    assert stored_bytes(settings) == stored


def test_erasing_leaves_no_trace_of_the_order(world: World, settings) -> None:
    erased, kept = world.start(), world.start()
    log.log_cancellation(erased)
    assert log.erase([str(erased.pk)]) == 2
    assert str(erased.pk).encode() not in stored_bytes(settings)
    assert started() == [str(kept.pk)]


def test_erasing_also_deletes_the_end_that_ashby_accepted(world: World) -> None:
    world.ashby_takes_everything()
    order = world.placed()
    world.push(order, "Complete", assessment_result=data("r", "Clear"))
    world.work()
    assert [entry["result"] for entry in log.entries(Kind.END)] == ["Clear"]
    assert log.erase([str(order.pk)]) == 2
    assert not list(log.entries(Kind.END))


def test_entries_of_an_older_key_are_found_and_encrypted_again(world: World, settings) -> None:
    order = world.start()
    old = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]
    assert log.count_pending() == 1
    assert log.reencrypt() == 1
    settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS[:1]
    assert (log.count_pending(), started()) == (0, [str(order.pk)])


def test_an_entry_whose_key_is_lost_is_reported_and_skipped(world: World, settings, caplog) -> None:
    order = world.start()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert started() == []
    assert f"cannot read the start {order.pk}" in caplog.text
    assert (log.reencrypt(), log.count_pending()) == (0, 1)


def test_concurrent_starts_are_all_logged(world: World) -> None:
    order = world.start()
    ids = [f"00000000-0000-0000-0000-{number:012}" for number in range(60)]

    def log_some(part: list[str]) -> None:
        for pk in part:
            values = {field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields}
            assert log.log_start(Order(**values | {"assessment_id": pk}))

    threads = [threading.Thread(target=log_some, args=(ids[turn::6],)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started()) == sorted([*ids, str(order.pk)])


def test_a_start_succeeds_if_the_log_is_unavailable(
    world: World, settings, client, store: str, tmp_path, caplog
) -> None:
    (tmp_path / "file").touch()
    settings.RECOVERY_LOG_DIR = tmp_path / "file" / "log"
    if store == "database":
        settings.RECOVERY_LOG_DATABASE_URL = "postgres://portal:hunter2@127.0.0.1:1/log"
    order = world.start()
    assert f"cannot write the start {order.pk} to the recovery log" in caplog.text
    assert "hunter2" not in caplog.text
    assert client.get("/health/status").json()["parts"]["recovery_log"]["ok"] is False


def test_an_entry_of_the_store_that_is_wrong_is_skipped(world: World, settings, store: str, caplog) -> None:
    caplog.set_level(logging.WARNING)
    first, second = world.start(), world.start()
    if store == "database":
        with psycopg.connect(settings.RECOVERY_LOG_DATABASE_URL, autocommit=True) as connection:
            connection.execute("UPDATE portal_recovery_log SET content = 'x' WHERE key = %s", (first.pk,))
    else:
        next(Path(settings.RECOVERY_LOG_DIR).rglob(f"start-{first.pk}")).write_text("x")
    assert started() == [str(second.pk)]
