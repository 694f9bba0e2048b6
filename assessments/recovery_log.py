"""The journal of accepted starts, outside the database: what a restored database has forgotten.

After the commit of a start and before Ashby is answered, everything that makes the order is appended to
the day's file under ``RECOVERY_LOG_DIR``, encrypted as a stored key is, since it holds a candidate's data. So
whatever Ashby was told that we have can be made again with its own id, also when the database comes from
a backup of five minutes ago. Files are kept for two weeks. The line of an order that was erased on request
is blanked, and an erased order is never made again: beside the days' files stands one that names them
(``erasure_journal.py``).
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


KEPT = timedelta(days=14)


#: The file of what was erased on request: no day's, so it stays.
ERASURES = "erasures"


_FIELDS = (
    *(
        "assessment_id",
        "organization_id",
        "package_id",
        "package_from_job_mapping",
        "application_id",
        "job_id",
    ),
    *("job_name", "candidate_id", "candidate_first_name", "candidate_last_name", "candidate_email"),
    *("candidate_profile_url", "application", "job", "additional_fields", "created_at"),
)


def log_start(order: Order) -> bool:
    """Appends the start. A journal that cannot be written refuses no start: False, and a line of log."""
    facts = {name: getattr(order, name) for name in _FIELDS}
    line = Secret(json.dumps(facts, cls=DjangoJSONEncoder)).encrypted() + "\n"
    try:
        append(_today(), line.encode())
    except OSError as error:
        logger.error("the journal of starts cannot be written: %s", type(error).__name__)
        return False
    return True


def is_writable() -> bool:
    """Whether the next start could be noted."""
    try:
        append(_today(), b"")
    except OSError:
        return False
    return True


def entries(since: datetime) -> Iterator[dict[str, Any]]:
    """What was noted on the days since then, oldest first. A line that was cut off is passed over."""
    for file in sorted(_folder().glob("*.journal")):
        day = _day(file)
        if day and day >= since.date():
            yield from _read(file)


def entries_of(name: str) -> Iterator[dict[str, Any]]:
    """What stands in the file of this name, and in what was set aside of it."""
    for file in sorted(_folder().glob(f"{name}*.journal")):
        yield from _read(file)


def erase(assessment_ids: Collection[str]) -> int:
    """Blanks the lines of these orders where they stand, while others go on appending; how many."""
    wanted = set(assessment_ids)
    if not wanted:
        return 0
    try:
        with _alone():
            return sum(_blank(file, wanted) for file in sorted(_folder().glob("*.journal")) if _day(file))
    except OSError as error:
        logger.error("the journal of starts cannot be blanked: %s", type(error).__name__)
        return 0


def _blank(file: Path, wanted: set[str]) -> int:
    found, place = 0, 0
    with file.open("r+b") as content:
        for line in content.readlines():
            text = line.rstrip(b"\n")
            entry = _entry(text.decode(errors="replace"))
            if entry is not None and entry.get("assessment_id") in wanted:
                # Behind what others append, so no lock has to keep them away.
                os.pwrite(content.fileno(), b" " * len(text), place)
                found += 1
            place += len(line)
        os.fsync(content.fileno())
    return found


@contextmanager
def _alone() -> Iterator[None]:
    """Who writes a file anew and who blanks lines in it wait for each other."""
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(_folder() / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def reencrypt() -> int:
    """Encrypts with the first key the lines that another one has encrypted; how many. A file to which
    somebody may be appending is set aside first: the next start begins a new one."""
    renewed = 0
    with _alone():
        for file in sorted(_folder().glob("*.journal")):
            old = sum(can_be_read(line) and not is_under_first_key(line) for line in _lines(file))
            if old:
                _rewrite(_set_aside(file))
                renewed += old
    return renewed


def count_pending() -> int:
    """The lines that the first key alone cannot read."""
    files = _folder().glob("*.journal")
    return sum(not is_under_first_key(line) for file in files for line in _lines(file))


def _lines(file: Path) -> list[Secret]:
    """Without those that were blanked."""
    return [Secret(ciphertext=line) for line in file.read_text().splitlines() if line.strip()]


def _set_aside(file: Path) -> Path:
    aside = file.with_name(f"{file.stem[:10]}-{uuid4().hex}.journal")
    file.rename(aside)
    # Who has opened it before writes its line within this time.
    time.sleep(1)
    return aside


def _rewrite(file: Path) -> None:
    """Whole or not at all. What no key reads stays as it is."""
    fresh = [Secret(line.reveal()) if can_be_read(line) else line for line in _lines(file)]
    draft = file.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{line.encrypted()}\n" for line in fresh))
    draft.replace(file)


def delete_expired(now: datetime) -> None:
    """Removes the files that are older than two weeks: they hold candidates' data."""
    for file in _folder().glob("*.journal"):
        day = _day(file)
        if day and day < (now - KEPT).date():
            file.unlink(missing_ok=True)


def append(name: str, line: bytes) -> None:
    """Adds a line to the file of this name. Raises ``OSError``."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.journal"
    # One write of one line: those of several processes do not mix.
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        end = os.fstat(file).st_size
        if line and end and os.pread(file, 1, end - 1) != b"\n":
            # The line before was cut off, as by a full disk: it takes this one with it no more.
            line = b"\n" + line
        if os.write(file, line) < len(line):
            raise OSError("the line was cut off")
    finally:
        os.close(file)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text().splitlines():
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            logger.warning("a line of the journal %s cannot be read", file.name)
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
