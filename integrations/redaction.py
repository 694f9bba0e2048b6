"""Removes candidates' data and secrets from texts before they are stored or logged."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "•••"
_LIKE_A_NAME = re.compile(r"[^\d@:/]{1,200}")
_PERSONAL_KEYS = frozenset(
    {"first_name", "last_name", "full_name", "firstname", "lastname", "fullname", "email", "phone"}
)
# Every repetition is bounded, so that a long text that resembles an address is not slow.
_EMAIL = re.compile(r"[^\s@<>\"(),;:=]{1,64}@(?:[^\s@<>\"'(),;:=]{1,200}\.[^\s@<>\"'(),;:=]{1,60}|localhost)")
EXCERPT_CHARACTERS = 500
#: Names of parts that may describe the state of a check. Any other part may contain anything.
_MEANINGFUL = re.compile(
    r"^(success|assessment|assessment_id|reference_id|identifier|label|type|value|update|update_request"
    r"|state|stage|phase|message|(error_?)?code|errors?|errorInfo)$|status|result|outcome|reason",
    re.IGNORECASE,
)
#: Parts that differ each time although the message says the same.
_VOLATILE = re.compile(r"^(time|timestamp|date|request_?id|metadata)$|(_at|_date|_time|At)$")


def mask(value: Any, hide: Iterable[str], secrets: Iterable[str] = ()) -> Any:
    """Return a copy of a JSON value with every occurrence of ``hide`` (names, addresses) masked, in any case.

    For texts of a partner, of which nothing else may be lost. ``secrets`` are masked also inside words.
    """
    patterns = {
        **{text.strip(): _name_pattern(text.strip()) for text in hide},
        **{text.strip(): re.escape(text.strip()) for text in secrets},
    }
    if not patterns:
        return value
    content = "\n".join(_texts_in(value)).casefold()
    # Usually nothing occurs, and a substring test is cheaper than the regular expression.
    texts = sorted((text for text in patterns if text.casefold() in content), key=len, reverse=True)
    pattern = "|".join(patterns[text] for text in texts if len(text) > 1 or _has_no_case(text))
    return _masked(value, re.compile(pattern, re.IGNORECASE)) if pattern else value


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts_in(part)


def personal_terms(email: str, *names: str) -> tuple[str, ...]:
    """Return what to mask of a person: the address, the names, and each part of the names."""
    return (email, *names, *(word for name in names for word in re.findall(r"\w{2,}", name)))


def _name_pattern(text: str) -> str:
    """Matches an address anywhere, a name only as a whole word, and a name of two or three letters (Al, May)
    only with a capital letter."""
    pattern = re.escape(text)
    if _has_no_case(text) or not _LIKE_A_NAME.fullmatch(text):
        return pattern
    if len(text) < 4:
        pattern = f"(?-i:{pattern}|{re.escape(text.upper())}|{re.escape(text.title())})"
    return rf"(?<!\w){pattern}(?!\w)"


def _has_no_case(text: str) -> bool:
    """Whether the script has no case, such as Chinese, which does not separate words either."""
    return bool(text) and text.lower() == text.upper() and text.isalpha()


def _masked(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {_masked(key, pattern): _masked(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, pattern) for item in value]
    return pattern.sub(MASK, value) if isinstance(value, str) else value


def redact_text(text: str, hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """Return ``text`` with e-mail addresses masked, and ``hide`` and ``secrets`` as by ``mask``."""
    return _without_addresses(mask(text, hide, secrets))


def redact(value: Any, hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> Any:
    """Return a copy of a JSON value with personal fields, e-mail addresses, ``hide`` and ``secrets``
    masked."""
    return _redacted(mask(value, hide, secrets))


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _without_addresses(key): MASK if key.lower() in _PERSONAL_KEYS and item else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return _without_addresses(value) if isinstance(value, str) else value


def _without_addresses(text: str) -> str:
    return _EMAIL.sub(MASK, text) if "@" in text else text


def excerpt(message: Mapping[str, Any], hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """The message as JSON of at most ``EXCERPT_CHARACTERS`` characters, redacted as in ``redact``.

    A part whose name is not about the state of the check is quoted by name only. Times are left out, so that
    the same content gives the same excerpt.
    """
    quoted = json.dumps(redact(_meaningful(message), hide, secrets), ensure_ascii=False, sort_keys=True)
    return quoted if len(quoted) <= EXCERPT_CHARACTERS else f"{quoted[: EXCERPT_CHARACTERS - 1]}…"


def _meaningful(value: Any) -> Any:
    if isinstance(value, list):
        return [_meaningful(part) for part in value[:3]]
    if not isinstance(value, dict):
        return value
    return {
        name: _meaningful(part) if _MEANINGFUL.search(name) else "…"
        for name, part in value.items()
        if not _VOLATILE.search(name)
    }
