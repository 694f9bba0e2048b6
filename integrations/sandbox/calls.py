"""The raw calls of both directions, recorded without secrets and bounded."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.storage import Storage, dotted, last_four

KEEP = 2000
_BODY_LIMIT = 32_000
_SHOWN_HEADERS = (
    "accept",
    "content-type",
    "user-agent",
    "idempotency-key",
    "retry-after",
    "x-ratelimit-scope",
    "x-ashby-request-id",
    "x-request-id",
    "www-authenticate",
    "location",
)


def shown_headers(headers: Mapping[str, str], key: str | None, secrets: Iterable[str]) -> dict[str, str]:
    """The headers worth showing; of the credentials, the last four characters at most."""
    known = list(secrets)
    shown = {name: without_secrets(headers[name], known) for name in _SHOWN_HEADERS if name in headers}
    if key is not None:
        shown["authorization"] = f"Basic {last_four(key)}"
    return shown


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A body as it may be kept: cut to a size, and known keys dotted out should one have slipped in."""
    kept = dotted(text, secrets)
    return kept[:_BODY_LIMIT] + (" [cut]" if len(kept) > _BODY_LIMIT else "")


@dataclass
class Call:
    """One call: who to whom, both bodies, what came of it."""

    side: str
    direction: str
    name: str
    org: str | None
    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    response_headers: dict[str, str]
    response_body: str
    duration_ms: float
    request_id: str | None = None
    note: str | None = None
    application_id: str | None = None
    assessment_id: str | None = None
    order_id: str | None = None
    at: float = field(default_factory=time.time)
    seq: int = 0


class CallLog:
    """The newest calls. Memory is the truth; the storage gets them in batches."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._calls: deque[Call] = deque((Call(**row) for row in storage.load_calls()), maxlen=KEEP)
        self._numbers = itertools.count(self._calls[-1].seq + 1 if self._calls else 1)
        self._unsaved: list[dict[str, Any]] = []

    def add(self, call: Call) -> None:
        """Keep one call."""
        call.seq = next(self._numbers)
        self._calls.append(call)
        if self._storage.keeps:
            self._unsaved.append(vars(call))

    def save(self) -> None:
        """Write what has come since the last time."""
        if self._unsaved:
            unsaved, self._unsaved = self._unsaved, []
            self._storage.add_calls(unsaved[-KEEP:], KEEP)

    def clear(self) -> None:
        """Forget all."""
        self._calls.clear()
        self._unsaved.clear()

    def select(self, limit: int = KEEP, **wanted: str | None) -> list[Call]:
        """The newest calls first that have each wanted field's value."""
        asked = {name: value for name, value in wanted.items() if value is not None}
        found: list[Call] = []
        for call in reversed(self._calls):
            if all(getattr(call, name) == value for name, value in asked.items()):
                found.append(call)
                if len(found) >= limit:
                    break
        return found
