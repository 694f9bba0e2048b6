"""The folder as a store: permissions, a full disk, and the files of an earlier version."""

import json
import resource
import signal
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from assessments.recovery_log import log
from assessments.recovery_log.database import DatabaseStore
from assessments.recovery_log.old_files import convert_old_files
from assessments.recovery_log.store import Kind, Unavailable
from integrations.encryption.secrets import Secret
from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def store() -> None:
    """Only the folder."""


@pytest.fixture
def folder(settings) -> Path:
    return Path(settings.RECOVERY_LOG_DIR)


def old_line(**values: object) -> str:
    return Secret(json.dumps(values)).encrypted() + "\n"


def ids(kind: Kind) -> list[str]:
    return [entry.get("assessment_id") or entry["id"] for entry in log.entries(kind)]


def test_only_the_portal_s_user_can_read_the_folder(world: World, folder: Path) -> None:
    order = world.start()
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*-*") if path.is_file()] == [
        f"2026-03-02/start-{order.pk}"
    ]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert set(modes.values()) == {0o700, 0o600}
    assert all(mode == 0o700 for path, mode in modes.items() if path.is_dir())


def test_a_full_disk_leaves_no_part_of_an_entry(world: World, folder: Path, caplog) -> None:
    order = world.start()
    (file,) = folder.rglob("start-*")
    log.erase([str(order.pk)])
    usual, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        assert not log.log_start(order)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, usual)
    assert f"cannot write the start {order.pk}" in caplog.text
    assert not [path for path in folder.rglob("*") if path.is_file()]
    assert log.log_start(order), "the disk has space again"
    assert file.exists()


def test_files_of_an_earlier_version_are_converted(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    first, second, third = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2, 3))
    blanked = " " * 80 + "\n"
    (folder / "2026-03-01.journal").write_text(old_line(assessment_id=first) + blanked)
    (folder / "2026-03-01-0123abcd.journal").write_text(old_line(assessment_id=second))
    (folder / "erasures.journal").write_text(old_line(id=third, orders=[]))
    log.tidy(timezone.now())
    assert ids(Kind.START) == [first, second]
    assert ids(Kind.ERASURE) == [third]
    assert not list(folder.glob("*.*"))


def test_an_old_line_is_kept_until_its_key_is_back(world: World, folder: Path, settings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pk = "00000000-0000-0000-0000-000000000001"
    (folder / "2026-03-01.journal").write_text(old_line(assessment_id=pk))
    keys, settings.FIELD_ENCRYPTION_KEYS = settings.FIELD_ENCRYPTION_KEYS, ["A" * 43 + "="]
    log.tidy(timezone.now())
    assert (ids(Kind.START), log.count_pending()) == ([], 1)
    settings.FIELD_ENCRYPTION_KEYS = keys
    log.tidy(timezone.now())
    assert (ids(Kind.START), log.count_pending()) == ([pk], 0)


def test_an_unreadable_old_line_is_deleted_when_its_start_expires(
    world: World, folder: Path, settings, clock
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026-03-01.journal").write_text("gAAAA-no-key-decrypts-this\n")
    log.tidy(timezone.now())
    assert log.count_pending() == 1
    clock.shift(timedelta(days=15))
    log.tidy(timezone.now())
    assert log.count_pending() == 0


def test_a_second_old_file_of_a_day_does_not_replace_the_first(world: World, folder: Path) -> None:
    """A process of the old version begins it after an interrupted conversion."""
    folder.mkdir(parents=True, exist_ok=True)
    first, second = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2))
    old = folder / "2026-03-02.journal"
    old.write_text(old_line(assessment_id=first))
    with pytest.raises(Unavailable):
        convert_old_files(folder, DatabaseStore("postgres://portal@127.0.0.1:1/log"))
    old.write_text(old_line(assessment_id=second))
    log.tidy(timezone.now())
    assert sorted(ids(Kind.START)) == [first, second]


def test_a_file_that_is_not_the_portal_s_is_left_alone(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "copy of Monday.journal"
    copy.write_text("x")
    order = world.start()
    log.tidy(timezone.now())
    assert (ids(Kind.START), copy.read_text()) == ([str(order.pk)], "x")


def test_the_draft_of_a_process_that_died_is_deleted(world: World, folder: Path, clock) -> None:
    erased, expired = world.start(), world.start()
    for order in (erased, expired):
        (file,) = folder.rglob(f"start-{order.pk}")
        file.with_name(f".{file.name}.0123abcd").write_text("x")
    assert log.erase([str(erased.pk)]) == 1
    assert not list(folder.rglob(f"*{erased.pk}*"))
    clock.shift(timedelta(days=15))
    log.tidy(timezone.now())
    assert not list(folder.iterdir())


def test_an_old_line_without_an_id_is_kept_and_stops_no_start(world: World, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026-03-01.journal").write_text(old_line(other="x") + Secret("[]").encrypted() + "\n")
    (folder / "2026-02-31.journal").write_text(old_line(assessment_id="x"))
    log.tidy(timezone.now())
    order = world.start()
    assert ids(Kind.START) == [str(order.pk)]
    assert log.count_pending() == 2


def test_an_entry_that_is_no_text_is_skipped(world: World, folder: Path) -> None:
    first, second = world.start(), world.start()
    next(folder.rglob(f"start-{first.pk}")).write_bytes(b"\xff\xfe")
    assert ids(Kind.START) == [str(second.pk)]


def test_a_folder_below_a_file_is_unavailable_and_not_an_empty_log(settings, tmp_path: Path) -> None:
    """Or a recovery with a wrong ``RECOVERY_LOG_DIR`` would report that nothing was missing."""
    (tmp_path / "file").touch()
    settings.RECOVERY_LOG_DIR = tmp_path / "file" / "log"
    with pytest.raises(Unavailable):
        list(log.entries(Kind.START))
