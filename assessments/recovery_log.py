"""The recovery log: accepted starts in encrypted files outside the database, which survive a restore.

After the commit of a start and before the answer to Ashby, everything needed to rebuild the order is appended
to the day's file in ``RECOVERY_LOG_DIR``. So every order that Ashby knows can be rebuilt with its id, even if
the database comes from an older backup. Files are kept for two weeks.

The line of an order that was erased on request is blanked. The erasure log (``privacy/erasure_log.py``) is a
file in the same directory; the orders that it lists are never rebuilt.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from assessments.models import Order
from integrations.encryption.secrets import Secret, SecretUnreadable, can_be_read, is_under_first_key

logger = logging.getLogger(__name__)

#: How long a day's file is kept.
KEPT = timedelta(days=14)
#: The name of the erasure log. It has no date, so it is kept.
ERASURES = "erasures"
_FIELDS = (
    *("assessment_id", "organization_id", "package_id", "package_from_job_mapping", "application_id"),
    *("job_id", "job_name", "candidate_id", "candidate_first_name", "candidate_last_name"),
    *("candidate_email", "candidate_profile_url", "application", "job", "additional_fields", "created_at"),
)


def log_start(order: Order) -> bool:
    """Appends the start. Returns False and logs an error if the file cannot be written: the start goes
    ahead."""
    return append_entry(_today(), {name: getattr(order, name) for name in _FIELDS})


def append_entry(name: str, values: dict[str, Any]) -> bool:
    """Appends an encrypted entry to the named file. Returns False and logs an error if that fails."""
    line = Secret(json.dumps(values, cls=DjangoJSONEncoder)).encrypted() + "\n"
    try:
        _append(name, line.encode())
    except OSError as error:
        logger.error("cannot write %s.journal: %s", name, type(error).__name__)
        return False
    return True


def is_writable() -> bool:
    """Whether the next start can be appended."""
    try:
        _append(_today(), b"")
    except OSError:
        return False
    return True


def entries(since: datetime) -> Iterator[dict[str, Any]]:
    """The starts of the days from ``since`` on, oldest first, as ``Order`` field values with ISO 8601 times.
    Unreadable lines are logged and skipped."""
    for file in sorted(_folder().glob("*.journal")):
        day = _day(file)
        if day and day >= since.date():
            yield from _read(file)


def entries_in(name: str) -> Iterator[dict[str, Any]]:
    """The entries of the file with this name and of its re-encrypted parts."""
    for file in sorted(_folder().glob(f"{name}*.journal")):
        yield from _read(file)


def blank(assessment_ids: Collection[str]) -> int:
    """Overwrites the lines of these orders with blanks, and returns how many. Other processes may append
    meanwhile. An error is logged, and the lines stay."""
    wanted = set(assessment_ids)
    if not wanted:
        return 0
    try:
        with _exclusive():
            return sum(
                _blank_lines(file, wanted) for file in sorted(_folder().glob("*.journal")) if _day(file)
            )
    except OSError as error:
        logger.error("cannot blank lines of the recovery log: %s", type(error).__name__)
        return 0


def _blank_lines(file: Path, wanted: set[str]) -> int:
    blanked, offset = 0, 0
    with file.open("r+b") as content:
        for line in content.readlines():
            text = line.rstrip(b"\n")
            entry = _entry(text.decode(errors="replace"))
            if entry is not None and entry.get("assessment_id") in wanted:
                # In place and of the same length, so appending processes need no lock.
                os.pwrite(content.fileno(), b" " * len(text), offset)
                blanked += 1
            offset += len(line)
        os.fsync(content.fileno())
    return blanked


@contextmanager
def _exclusive() -> Iterator[None]:
    """Lets only one process at a time rewrite files or blank lines."""
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(_folder() / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def reencrypt() -> int:
    """Encrypts all lines with the first key, and returns how many used another key. A file is renamed first,
    so that later starts go to a new file."""
    count = 0
    with _exclusive():
        for file in sorted(_folder().glob("*.journal")):
            old = sum(can_be_read(line) and not is_under_first_key(line) for line in _lines(file))
            if old:
                _rewrite(_detach(file))
                count += old
    return count


def count_pending() -> int:
    """How many lines the first key alone cannot decrypt."""
    files = _folder().glob("*.journal")
    return sum(not is_under_first_key(line) for file in files for line in _lines(file))


def _lines(file: Path) -> list[Secret]:
    """All lines but the blanked ones."""
    return [Secret(ciphertext=line) for line in file.read_text().splitlines() if line.strip()]


def _detach(file: Path) -> Path:
    """Renames the file, and waits until nobody appends to it."""
    detached = file.with_name(f"{file.stem[:10]}-{uuid4().hex}.journal")
    file.rename(detached)
    # A process that had opened the file writes its line within this time.
    time.sleep(1)
    return detached


def _rewrite(file: Path) -> None:
    """Encrypts the lines with the first key, in one atomic replacement. Unreadable lines stay as they are."""
    lines = [Secret(line.reveal()) if can_be_read(line) else line for line in _lines(file)]
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{line.encrypted()}\n" for line in lines))
    draft.replace(file)


def delete_expired(now: datetime) -> None:
    """Deletes the files that are older than ``KEPT``; they hold candidates' data."""
    for file in _folder().glob("*.journal"):
        day = _day(file)
        if day and day < (now - KEPT).date():
            file.unlink(missing_ok=True)


def _append(name: str, line: bytes) -> None:
    """Appends one line, with its newline, to the file with this name. Raises ``OSError``."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.journal"
    # One write call for each line, so that lines of several processes do not mix.
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        end = os.fstat(file).st_size
        if line and end and os.pread(file, 1, end - 1) != b"\n":
            # The previous line is incomplete, for example because the disk was full.
            line = b"\n" + line
        if os.write(file, line) < len(line):
            raise OSError("only a part of the line was written")
    finally:
        os.close(file)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text().splitlines():
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            logger.warning("cannot read a line of the recovery log %s", file.name)
        else:
            yield entry


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(Secret(ciphertext=line).reveal())
    except (SecretUnreadable, ValueError):
        return None
    return entry


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _folder() -> Path:
    return Path(settings.RECOVERY_LOG_DIR)


def _day(file: Path) -> date | None:
    try:
        return date.fromisoformat(file.stem[:10])
    except ValueError:
        return None
