"""Takes candidates' data and secrets out of what is kept for support to read."""

import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "•••"
_PERSONAL_KEYS = frozenset(
    {"first_name", "last_name", "full_name", "firstname", "lastname", "fullname", "email", "phone"}
)
# Every repetition is bounded: a long text that only looks like an address costs no more than another.
_EMAIL = re.compile(r"[^\s@<>\"(),;:=]{1,64}@(?:[^\s@<>\"'(),;:=]{1,200}\.[^\s@<>\"'(),;:=]{1,60}|localhost)")


def redact_text(text: str, hide: Iterable[str] = ()) -> str:
    """``text`` without e-mail addresses and without any of ``hide`` (names, keys)."""
    for value in hide:
        if len(value) > 1:
            text = text.replace(value, HIDDEN)
    return _EMAIL.sub(HIDDEN, text)


def redact(value: Any, hide: Iterable[str] = ()) -> Any:
    """A copy of a JSON value without personal fields, e-mail addresses, or any of ``hide``."""
    hide = tuple(hide)
    if isinstance(value, dict):
        return {
            redact_text(key, hide): HIDDEN if key.lower() in _PERSONAL_KEYS and item else redact(item, hide)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact(item, hide) for item in value]
    if isinstance(value, str):
        return redact_text(value, hide)
    return value
