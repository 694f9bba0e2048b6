"""Takes candidates' data and secrets out of what is kept for people to read."""

import re
from collections.abc import Iterable
from typing import Any

HIDDEN = "•••"
_PERSONAL_KEYS = frozenset(
    {"first_name", "last_name", "full_name", "firstname", "lastname", "fullname", "email", "phone"}
)
# Every repetition is bounded: a long text that only looks like an address costs no more than another.
_EMAIL = re.compile(r"[^\s@<>\"(),;:=]{1,64}@(?:[^\s@<>\"'(),;:=]{1,200}\.[^\s@<>\"'(),;:=]{1,60}|localhost)")


def conceal(value: Any, hide: Iterable[str]) -> Any:
    """A copy of a JSON value without any of ``hide``, in whatever case: for the other side's own
    words, of which nothing else may be lost."""
    pattern = "|".join(re.escape(text) for text in sorted(hide, key=len, reverse=True) if len(text) > 1)
    return _concealed(value, re.compile(pattern, re.IGNORECASE)) if pattern else value


def _concealed(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {_concealed(key, pattern): _concealed(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_concealed(item, pattern) for item in value]
    return pattern.sub(HIDDEN, value) if isinstance(value, str) else value


def redact_text(text: str, hide: Iterable[str] = ()) -> str:
    """``text`` without any e-mail address and without any of ``hide`` (names, keys)."""
    return _EMAIL.sub(HIDDEN, conceal(text, hide))


def redact(value: Any, hide: Iterable[str] = ()) -> Any:
    """A copy of a JSON value without personal fields, e-mail addresses, or any of ``hide``."""
    return _redacted(conceal(value, hide))


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            redact_text(key): HIDDEN if key.lower() in _PERSONAL_KEYS and item else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value
