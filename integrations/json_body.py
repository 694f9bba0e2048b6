"""Reads a JSON body from outside so that nothing in it can harm what comes after."""

import json
import re
from typing import Any

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
# Control characters break logs, files and PostgreSQL's text; lone surrogates are no text at all.
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class UnreadableBody(ValueError):
    """The body is not JSON that we take; the text says why, without quoting the body."""


def read_object(content: bytes) -> dict[str, Any]:
    """The JSON object in ``content``; an empty body is an empty object.

    Raises ``UnreadableBody`` for anything else, for more than ``MAX_DEPTH`` levels, for numbers
    that are not finite, and for NUL and other control characters anywhere.
    """
    if not content.strip():
        return {}
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise UnreadableBody("The body is nested too deeply.") from None
    except ValueError:
        raise UnreadableBody("The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise UnreadableBody("The body has to be a JSON object.")
    _check(value)
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check(body: dict[str, Any]) -> None:
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(value.keys())
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
            elif isinstance(value, str):
                if _HARMFUL.search(value):
                    raise UnreadableBody("The body holds control characters.")
            elif isinstance(value, float | int) and not abs(value) <= 10**18:
                raise UnreadableBody("The body holds a number that is too large.")
        if not deeper:
            return
        level = deeper
    raise UnreadableBody("The body is nested too deeply.")
