"""Takes candidates' data and secrets out of what is kept for people to read."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "•••"
_LIKE_A_NAME = re.compile(r"[^\d@:/]{1,200}")
_PERSONAL_KEYS = frozenset(
    {"first_name", "last_name", "full_name", "firstname", "lastname", "fullname", "email", "phone"}
)
# Every repetition is bounded: a long text that only looks like an address costs no more than another.
_EMAIL = re.compile(r"[^\s@<>\"(),;:=]{1,64}@(?:[^\s@<>\"'(),;:=]{1,200}\.[^\s@<>\"'(),;:=]{1,60}|localhost)")


def mask(value: Any, hide: Iterable[str], secrets: Iterable[str] = ()) -> Any:
    """A copy of a JSON value without any of ``hide`` (names, addresses), in whatever case: for the other
    side's own words, of which nothing else may be lost. ``secrets`` go wherever they stand, inside a word
    too."""
    wanted = {
        **{text.strip(): _as_a_word(text.strip()) for text in hide},
        **{text.strip(): re.escape(text.strip()) for text in secrets},
    }
    if not wanted:
        return value
    said = "\n".join(_texts_in(value)).casefold()
    # Mostly there is none of it, and to look costs less than to search.
    texts = sorted((text for text in wanted if text.casefold() in said), key=len, reverse=True)
    pattern = "|".join(wanted[text] for text in texts if len(text) > 1 or _has_no_case(text))
    return _masked(value, re.compile(pattern, re.IGNORECASE)) if pattern else value


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts_in(part)


def personal_terms(email: str, *names: str) -> tuple[str, ...]:
    """What is to be hidden of a person: the address, the names, and each word of them."""
    return (email, *names, *(word for name in names for word in re.findall(r"\w{2,}", name)))


def _as_a_word(text: str) -> str:
    """An address wherever it stands. A name only as a word, so that it is not cut out of others, and one of
    two or three letters (Al, May) only where it is written as a name."""
    found = re.escape(text)
    if _has_no_case(text) or not _LIKE_A_NAME.fullmatch(text):
        return found
    if len(text) < 4:
        found = f"(?-i:{found}|{re.escape(text.upper())}|{re.escape(text.title())})"
    return rf"(?<!\w){found}(?!\w)"


def _has_no_case(text: str) -> bool:
    """As in Chinese, where nothing stands between words either."""
    return bool(text) and text.lower() == text.upper() and text.isalpha()


def _masked(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        return {_masked(key, pattern): _masked(item, pattern) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, pattern) for item in value]
    return pattern.sub(MASK, value) if isinstance(value, str) else value


def redact_text(text: str, hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> str:
    """``text`` without any e-mail address, and without ``hide`` and ``secrets`` as in ``conceal``."""
    return _EMAIL.sub(MASK, mask(text, hide, secrets))


def redact(value: Any, hide: Iterable[str] = (), secrets: Iterable[str] = ()) -> Any:
    """A copy of a JSON value without personal fields, e-mail addresses, ``hide`` and ``secrets``."""
    return _redacted(mask(value, hide, secrets))


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            redact_text(key): MASK if key.lower() in _PERSONAL_KEYS and item else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return redact_text(value) if isinstance(value, str) else value
