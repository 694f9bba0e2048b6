"""Reads JSON from outside strictly: size, depth, duplicates, control characters, charsets."""

import codecs
import json
import math
import re
from typing import Any

from integrations.text import remove_invisible

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
#: Digits of a whole number; as many as an identifier may have characters.
MAX_DIGITS = 200
# Control characters break logs, files and PostgreSQL's text type. Lone surrogates are not text.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.ASCII | re.IGNORECASE)
#: Python has further codecs, some of which are not text encodings (zip, hex) or are expensive.
_OF_TEXTS = re.compile(
    r"utf-(8|16|32)(-[bl]e)?|utf-8-sig|(iso8859-|cp|koi8-|mac-)\w+|iso2022_\w+|gb\w+|big5\w*|(shift|euc)_\w+|tis-620"
)
# UTF-32 first, because its byte order mark begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


class UnreadableBody(ValueError):
    """The body is refused. The text says why, without quoting the body."""


def read_object(
    content: bytes, charset: str = "", *, any_text: bool = False, replace_controls: bool = False
) -> dict[str, Any]:
    """The JSON object in ``content``; an empty body is an empty object. ``charset``: as declared.

    ``any_text``: the texts (not the keys) may contain any character, because the caller cleans them.
    ``replace_controls``: control characters are replaced instead of refused, for messages that only machines
    write.

    Raises ``UnreadableBody`` for anything but an object, for more than ``MAX_DEPTH`` levels, for numbers that
    are not finite or longer than ``MAX_DIGITS``, for a key that occurs twice in one object, and for control
    characters unless one of the two options allows them.
    """
    if not content.strip():
        return {}
    try:
        text = decode(content, charset)
        value = json.loads(
            text, strict=False, parse_constant=_no_constant, object_pairs_hook=_without_repetition
        )
        value = sanitize_json(value) if replace_controls else value
    except UnreadableBody:
        raise
    except UnicodeDecodeError:
        message = "The body is neither in UTF-8 nor in a charset that its Content-Type declares."
        raise UnreadableBody(message) from None
    except RecursionError:
        raise UnreadableBody("The body is nested too deeply.") from None
    except ValueError:
        raise UnreadableBody("The body is not JSON in UTF-8, or in the charset that it declares.") from None
    if not isinstance(value, dict):
        raise UnreadableBody("The body has to be a JSON object.")
    _check(value, any_text)
    return value


def charset_of(content_type: str) -> str:
    """The charset that a Content-Type declares, if it is a text encoding that Python knows; else empty."""
    declared = _CHARSET.search(content_type)
    try:
        name = codecs.lookup(declared[1]).name if declared else ""
    except LookupError:
        return ""
    # As web browsers do: most senders that declare ISO-8859-1 mean its superset.
    name = "cp1252" if name == "iso8859-1" else name
    return name if _OF_TEXTS.fullmatch(name) else ""


def decode(content: bytes, charset: str) -> str:
    """The text of a body. A byte order mark is dropped and takes precedence over ``charset``. A body that
    ``charset`` cannot decode is tried as UTF-8. Raises ``UnicodeDecodeError``."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if marked:
        return content.decode(marked)
    try:
        return content.decode(charset or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("utf-8")


def sanitize_json(value: Any) -> Any:
    """A copy of a JSON value whose texts any database accepts: for answers, which cannot be refused. Raises
    ``RecursionError`` for a value that is nested too deeply."""
    if isinstance(value, dict):
        return {sanitize_json(key): sanitize_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sanitize_json(item) for item in value]
    if isinstance(value, str) and not value.isprintable():
        return remove_invisible(_HARMFUL.sub("\ufffd", value))
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values under one key it is not clear which is meant."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnreadableBody("The body holds the same name twice in one object.")
    return value


def _check(body: dict[str, Any], any_text: bool) -> None:
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if any(map(_HARMFUL.search, value)):
                    raise UnreadableBody("The body holds control characters.")
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
            elif isinstance(value, str):
                if not any_text and _HARMFUL.search(value):
                    raise UnreadableBody("The body holds control characters.")
            elif isinstance(value, float | int) and not _fits(value):
                raise UnreadableBody("The body holds a number that is too large.")
        if not deeper:
            return
        level = deeper
    raise UnreadableBody("The body is nested too deeply.")


def _fits(number: float) -> bool:
    return math.isfinite(number) if isinstance(number, float) else abs(number) < 10**MAX_DIGITS
