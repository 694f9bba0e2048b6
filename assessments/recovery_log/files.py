"""The recovery log in a folder: one small file for each entry, ``DAY/KIND-KEY``.

Several processes and several hosts may share the folder. No process appends to a file: it is written under
another name and then renamed, so a reader sees all of it or nothing, and no lock is needed.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

from assessments.recovery_log.store import Entry, Kind, Unavailable

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class FileStore:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, entry: Entry) -> None:
        with _unavailable_on_error():
            path = self._path(entry)
            if not path.exists():
                self._put(path, entry.content)

    def read(self, kind: Kind, since: date) -> Iterator[Entry]:
        with _unavailable_on_error():
            for day, folder in self._days():
                if day >= since:
                    for path in sorted(folder.glob(f"{kind}-*")):
                        # Another process may have deleted it since it was listed.
                        if (content := _content(path)) is not None:
                            yield Entry(kind, path.name.removeprefix(f"{kind}-"), day, content)

    def replace(self, entry: Entry, content: str) -> None:
        with _unavailable_on_error():
            path = self._path(entry)
            if path.exists():
                self._put(path, content)

    def delete(self, kinds: Collection[Kind], keys: Collection[str]) -> int:
        with _unavailable_on_error():
            wanted = {f"{kind}-{key}" for kind in kinds for key in keys}
            return sum(
                # A process that died may have left its draft.
                _delete(path) and not path.name.startswith(".")
                for _, folder in self._days()
                for path in folder.iterdir()
                if path.name.removeprefix(".").partition(".")[0] in wanted
            )

    def delete_before(self, kinds: Collection[Kind], day: date) -> None:
        with _unavailable_on_error():
            for its_day, folder in self._days():
                if its_day < day:
                    for path in [path for kind in kinds for path in folder.glob(f"*{kind}-*")]:
                        _delete(path)  # Also the drafts of processes that died.
                    if not any(folder.iterdir()):
                        folder.rmdir()

    def check(self) -> None:
        with _unavailable_on_error():
            self._draft(self.folder / "check", "").unlink()

    def _path(self, entry: Entry) -> Path:
        return self.folder / entry.day.isoformat() / f"{entry.kind}-{entry.key}"

    def _put(self, path: Path, content: str) -> None:
        draft = self._draft(path, content)
        draft.replace(path)

    def _draft(self, path: Path, content: str) -> Path:
        draft = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            try:
                file = os.open(draft, _NEW_FILE, 0o600)
            except FileNotFoundError:
                # The first entry of a day.
                for folder in (self.folder, path.parent):
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                file = os.open(draft, _NEW_FILE, 0o600)
            with open(file, "wb") as stream:
                stream.write(content.encode())
        except OSError:
            # The disk may be full.
            draft.unlink(missing_ok=True)
            raise
        return draft

    def _days(self) -> list[tuple[date, Path]]:
        try:
            folders = list(self.folder.iterdir())
        except FileNotFoundError:  # Nothing has been written yet.
            return []
        return sorted((day, folder) for folder in folders if (day := _day(folder)))


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _day(folder: Path) -> date | None:
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None


@contextmanager
def _unavailable_on_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the folder of the recovery log: {type(error).__name__}") from error
