"""The newest calls in both directions, recorded without secrets."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.storage import Storage, last_four, mask

MAX_CALLS = 2000
_MAX_BODY_CHARACTERS = 32_000
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
    """The headers that are recorded; of a credential, at most the last four characters."""
    known = list(secrets)
    shown = {name: without_secrets(headers[name], known) for name in _SHOWN_HEADERS if name in headers}
    if key is not None:
        shown["authorization"] = f"Basic {last_four(key)}"
    return shown


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """A text as it may be recorded: known keys masked, and cut to a maximum length."""
    masked = mask(text, secrets)
    return masked[:_MAX_BODY_CHARACTERS] + (" [cut]" if len(masked) > _MAX_BODY_CHARACTERS else "")


@dataclass
class Call:
    """One call with both bodies and its outcome. ``direction``: ``in`` (from the portal) or ``out``."""

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
    """The newest calls, in memory; the storage receives them in batches."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._calls: deque[Call] = deque((Call(**row) for row in storage.load_calls()), maxlen=MAX_CALLS)
        self._numbers = itertools.count(self._calls[-1].seq + 1 if self._calls else 1)
        self._unsaved: list[dict[str, Any]] = []

    def add(self, call: Call) -> None:
        """Record one call and number it."""
        call.seq = next(self._numbers)
        self._calls.append(call)
        if self._storage.is_durable:
            self._unsaved.append(vars(call))

    def save(self) -> None:
        """Store the calls recorded since the last time."""
        if self._unsaved:
            unsaved, self._unsaved = self._unsaved, []
            self._storage.add_calls(unsaved[-MAX_CALLS:], MAX_CALLS)

    def clear(self) -> None:
        """Delete all calls from memory."""
        self._calls.clear()
        self._unsaved.clear()

    def select(self, limit: int = MAX_CALLS, **wanted: str | None) -> list[Call]:
        """Up to ``limit`` calls with these field values, newest first; ``None`` matches every value."""
        criteria = {name: value for name, value in wanted.items() if value is not None}
        found: list[Call] = []
        for call in reversed(self._calls):
            if all(getattr(call, name) == value for name, value in criteria.items()):
                found.append(call)
                if len(found) >= limit:
                    break
        return found
