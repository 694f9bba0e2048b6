"""Reads the parts of a message liberally: what both sides' messages share.

Each function takes a JSON value from outside and returns a clean value, or raises ``InvalidMessage``
where the message cannot do without it. Rules: ``docs/protocol.md``, "Reading what arrives".
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from integrations.text import remove_invisible

from .cleaning import clean_line

JSON = dict[str, Any]

MAX_PERSON_NAME_LENGTH = 200
MAX_ID_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, MAX_URL_LENGTH, MAX_TEXT_LENGTH = 200, 254, 500, 2000, 5000
# Characters that end a line, control a terminal, or that no database holds.
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UUID = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
#: Up to here every whole number has a float of its own.
_EXACT_FLOAT = 2**53
#: A text that may be cut by whoever stores it, and what is squeezed in it before.
_LONG, _LONG_RUN = 200, re.compile(r"[\W_]{20,}")


class InvalidMessage(ValueError):
    """The message breaks the protocol. ``for_person``: the text is for a recruiter, who can correct it."""

    def __init__(self, message: str, *, for_person: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.for_person = for_person


def read_id(place: Mapping[str, Any], name: str, parent: str = "", *, needed: bool = True) -> str:
    """An identifier as text: trimmed, without invisible characters; empty where it is absent.

    It may be a JSON string or a positive whole number: 48213 and 48213.0 are both "48213". Absent are null, a
    blank (``is_nothing``), any other type, and zero and negative numbers, which stand for "none" where ids
    are numbers. Absent is also a fraction notation beyond 2**53, whose digits are not certain.

    Raises ``InvalidMessage`` where it is needed and absent, where it is longer than ``MAX_ID_LENGTH``, and
    where it holds control characters.
    """
    value = place.get(name)
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= _EXACT_FLOAT else None
    if isinstance(value, int):
        value = str(value) if value > 0 and not isinstance(value, bool) else None
    text = trimmed(value) if isinstance(value, str) else ""
    return read_line({name: None if is_nothing(text) else text}, name, parent, needed=needed)


def is_nothing(text: str) -> bool:
    """Whether a text stands for "none": a blank, and what some servers write for their own null."""
    return text.strip().lower() in ("", "null", "undefined")


def as_uuid(text: str) -> UUID | None:
    """The UUID that a text stands for, in capitals, in braces, as a URN or without hyphens; else None."""
    try:
        return UUID(text.strip().casefold().strip("{}()"))
    except ValueError:
        return None


def same_id(one: str, other: str) -> bool:
    """Whether two identifiers are the same: UUIDs are compared as UUIDs, all others as trimmed text."""
    first = as_uuid(one)
    return trimmed(one) == trimmed(other) or (first is not None and first == as_uuid(other))


def spellings(text: str) -> list[str]:
    """The usual ways to write an identifier: one, unless it is a UUID. For look-ups by a stored spelling."""
    value = as_uuid(text)
    if value is None:
        return [text]
    plain = (str(value), value.hex)
    every = [form for lower in plain for form in (lower, lower.upper())]
    return list(dict.fromkeys([text, *every, *(f"{{{form}}}" for form in every[:2]), value.urn]))


def trimmed(text: str) -> str:
    """The text without invisible characters and surrounding white space."""
    return remove_invisible(text).strip()


def clean_text(text: str, longest: int = MAX_TEXT_LENGTH) -> str:
    """A text for people, without control and invisible characters and at most ``longest`` characters long.

    A cut never makes a known word of a longer text: long runs without a letter or digit become one mark
    first, so "Clear", a thousand dots and "except" stays a text that starts with "Clear … except".
    """
    text = remove_invisible(_CONTROL_CHARACTERS.sub(" ", text))
    if len(text) > _LONG:
        text = _LONG_RUN.sub(" … ", text)
    return text[:longest]


def same_uuid(text: str) -> str:
    """The usual form of a UUID, however it is written; any other identifier as it stands."""
    return str(UUID(text)) if _UUID.fullmatch(text) else text


def optional_text(place: Mapping[str, Any], name: str, *, within: int | None = None) -> str:
    """One clean line that the message can do without: empty where it is absent or of another type.

    A number counts as a text. A text longer than ``within`` is absent: a part of an identifier or of a link
    leads somewhere else.
    """
    value = place.get(name)
    if type(value) in (int, float):
        value = str(value)
    text = clean_line(value) if isinstance(value, str) else ""
    return text if within is None or len(text) <= within else ""


def short_text(place: Mapping[str, Any], name: str, longest: int) -> str:
    """As ``optional_text``, cut after ``longest`` characters."""
    return optional_text(place, name)[:longest].rstrip()


def read_part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object that the message cannot do without. Raises ``InvalidMessage``."""
    value = body.get(name)
    if not isinstance(value, dict) or not value:
        raise InvalidMessage(f"{name} has to be an object with content.")
    return value


def without_absent(**parts: Any) -> JSON:
    """The parts that are present: neither null nor empty."""
    return {name: value for name, value in parts.items() if value not in (None, "", [])}


def read_text(
    place: Mapping[str, Any], name: str, parent: str, *, needed: bool = True, longest: int = MAX_NAME_LENGTH
) -> str:
    """A text; absent and null are the same. Raises ``InvalidMessage``."""
    full_name = f"{parent}.{name}" if parent else name
    value = place.get(name)
    if value is None and not needed:
        return ""
    if value is None or (needed and isinstance(value, str) and not value.strip()):
        raise InvalidMessage(f"{full_name} is missing.")
    if not isinstance(value, str):
        raise InvalidMessage(f"{full_name} has to be a text.")
    if len(value) > longest:
        raise InvalidMessage(f"{full_name} is longer than {longest} characters.")
    return value


def read_line(
    place: Mapping[str, Any], name: str, parent: str, *, needed: bool = True, longest: int = MAX_ID_LENGTH
) -> str:
    """A text of one line. Raises ``InvalidMessage``."""
    value = read_text(place, name, parent, needed=needed, longest=longest)
    if _CONTROL_CHARACTERS.search(value):
        raise InvalidMessage(f"{f'{parent}.' if parent else ''}{name} holds control characters.")
    return value
