"""Reads a JSON body from outside so that nothing in it can harm what comes after."""

import json
import re
from typing import Any

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
# Control characters break logs, files and PostgreSQL's text; lone surrogates are no text at all.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# What turns or hides the letters around it, and is no letter itself. Two joiners (U+200C, U+200D) stay:
# names in Persian and in India's languages are not spelled right without them.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class UnreadableBody(ValueError):
    """The body is not JSON that we take; the text says why, without quoting the body."""


def read_object(content: bytes, *, any_text: bool = False) -> dict[str, Any]:
    """The JSON object in ``content``; an empty body is an empty object. With ``any_text`` its texts (not its
    names) may hold any character: the caller cleans them.

    Raises ``UnreadableBody`` for anything else, for more than ``MAX_DEPTH`` levels, for numbers
    that are not finite, for a name that stands twice in one object, and for NUL and other control
    characters anywhere.
    """
    if not content.strip():
        return {}
    try:
        value = json.loads(
            content.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_without_repetition
        )
    except UnreadableBody:
        raise
    except RecursionError:
        raise UnreadableBody("The body is nested too deeply.") from None
    except ValueError:
        raise UnreadableBody("The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise UnreadableBody("The body has to be a JSON object.")
    _check(value, any_text)
    return value


def harmless(value: Any) -> Any:
    """A copy of a JSON value whose texts any database takes: for answers, which are not ours to
    refuse. Raises ``RecursionError`` for one that is nested too deeply."""
    if isinstance(value, dict):
        return {harmless(key): harmless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [harmless(item) for item in value]
    return visible(_HARMFUL.sub("\ufffd", value)) if isinstance(value, str) else value


def visible(text: str) -> str:
    """The text without what turns or hides its letters (bidirectional overrides, signs without width)."""
    return _UNSEEN.sub("", text)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values under one name nobody can say which is meant."""
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
            elif isinstance(value, float | int) and not abs(value) <= 10**18:
                raise UnreadableBody("The body holds a number that is too large.")
        if not deeper:
            return
        level = deeper
    raise UnreadableBody("The body is nested too deeply.")
