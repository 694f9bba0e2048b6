"""Conversion of the recovery log that versions up to 0.5 wrote: one ``DAY.journal`` a day with one encrypted
line for each start, and ``erasures.journal``. Remove this module after 0.7."""

import json
import logging
import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

from assessments.recovery_log.store import KEPT, Entry, Kind, Store, Unavailable
from integrations.encryption.secrets import Secret, SecretUnreadable

logger = logging.getLogger(__name__)


def convert_old_files(folder: Path, store: Store) -> None:
    """Move the lines of all old files to the store, and delete the files. May be interrupted and repeated.

    A line that no key can decrypt stays for as long as its start is kept, and is logged. Raises
    ``Unavailable``.
    """
    try:
        for path in sorted(filter(_is_ours, folder.glob("*.journal"))):
            # A process of the old version that still runs begins a new file. So the name must be new, or the
            # second file of a day would replace the first one, which may not be converted yet.
            path.rename(path.with_name(f"{path.stem}-{uuid4().hex}.converting"))
        for path in sorted(folder.glob("*.converting")):
            _convert(path, store)
    except FileNotFoundError:
        return  # Another process converts it.
    except OSError as error:
        raise Unavailable(f"an older file of the recovery log: {type(error).__name__}") from error


def unconverted_lines(folder: Path) -> int:
    """How many lines no key could decrypt."""
    return sum(len(path.read_text(errors="replace").split()) for path in folder.glob("*.converting"))


def _is_ours(path: Path) -> bool:
    """Whether an earlier version wrote the file, and not a person who keeps a copy."""
    found = re.fullmatch(r"(erasures|\d{4}-\d\d-\d\d)(-[0-9a-f]+)?", path.stem)
    if not found or found[1] == "erasures":
        return bool(found)
    try:
        date.fromisoformat(found[1])
    except ValueError:
        return False
    return True


def _convert(path: Path, store: Store) -> None:
    is_erasures, unreadable = path.name.startswith("erasures"), []
    today = datetime.now(UTC).date()
    day = today if is_erasures else date.fromisoformat(path.name[:10])
    for line in path.read_text(errors="replace").splitlines():
        if not line.strip():
            continue  # The start was erased.
        kind, name = (Kind.ERASURE, "id") if is_erasures else (Kind.START, "assessment_id")
        try:
            key = str(UUID(json.loads(Secret(ciphertext=line).reveal())[name]))
        except (SecretUnreadable, ValueError, LookupError, TypeError, AttributeError):
            unreadable.append(line)
            continue
        store.write(Entry(kind, key, day, line))
    if unreadable and day >= today - KEPT:
        logger.error("%s holds %d lines that no key can decrypt; they are kept", path.name, len(unreadable))
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text("".join(f"{line}\n" for line in unreadable))
        draft.replace(path)
    else:
        path.unlink(missing_ok=True)
