"""The sandbox's storage: one SQLite file, or none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS calls (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


def last_four(key: str) -> str:
    """A key as it may be shown: dots and its last four characters (of a short key, dots only)."""
    return "••••" + (key[-4:] if len(key) >= 8 else "")


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every key in it masked."""
    for secret in secrets:
        if secret and secret in text:
            text = text.replace(secret, last_four(secret))
    return text


class Storage:
    """Records by kind and id, written at once. Keys are never stored."""

    def __init__(self, path: str | None) -> None:
        self._db: sqlite3.Connection | None = None
        if path:
            self._db = sqlite3.connect(path, isolation_level=None)
            # A killed process loses nothing (the kernel has the pages); a power cut may.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.executescript(_SCHEMA)

    @property
    def is_durable(self) -> bool:
        """Whether the data survives this process."""
        return self._db is not None

    def put(self, kind: str, identifier: str, body: dict[str, Any], secrets: Iterable[str]) -> None:
        """Insert or replace one record, with the organization's keys masked."""
        if self._db is not None:
            text = mask(json.dumps(body), secrets)
            self._db.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", (kind, identifier, text))

    def load(self, kind: str) -> list[dict[str, Any]]:
        """All records of a kind, oldest first."""
        if self._db is None:
            return []
        rows = self._db.execute("SELECT body FROM records WHERE kind = ? ORDER BY rowid", (kind,))
        return [json.loads(row[0]) for row in rows]

    def add_calls(self, calls: Iterable[dict[str, Any]], most: int) -> None:
        """Append recorded calls and delete all but the newest ``most``."""
        if self._db is None:
            return
        rows = [(call["seq"], json.dumps(call)) for call in calls]
        if not rows:
            return
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO calls VALUES (?, ?)", rows)
        self._db.execute("DELETE FROM calls WHERE seq <= ?", (rows[-1][0] - most,))
        self._db.execute("COMMIT")

    def load_calls(self) -> list[dict[str, Any]]:
        """The recorded calls, oldest first."""
        if self._db is None:
            return []
        return [json.loads(row[0]) for row in self._db.execute("SELECT body FROM calls ORDER BY seq")]

    def clear(self) -> None:
        """Delete everything."""
        if self._db is not None:
            self._db.execute("DELETE FROM records")
            self._db.execute("DELETE FROM calls")

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
