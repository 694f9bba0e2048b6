"""Reads single parts of a message, liberally.

Each function takes JSON from outside and returns a clean value, or raises ``InvalidMessage`` where the
message is useless without it. Rules: ``docs/protocol.md``, "Reading what arrives". Pure.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from integrations.text import remove_invisible

from .cleaning import CONTROL_CHARACTERS, clean_line

JSON = dict[str, Any]

MAX_PERSON_NAME_LENGTH = 200
MAX_ID_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, MAX_URL_LENGTH, MAX_TEXT_LENGTH = 200, 254, 500, 2000, 5000
_UUID = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
#: Up to here a float represents every whole number exactly.
_EXACT_FLOAT = 2**53


class InvalidMessage(ValueError):
    """The message breaks the protocol. ``for_person``: the text is for a recruiter, who can correct the
    input."""

    def __init__(self, message: str, *, for_person: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.for_person = for_person


def read_id(place: Mapping[str, Any], name: str, parent: str = "", *, needed: bool = True) -> str:
    """An identifier as text: trimmed, without invisible characters; empty if it is absent.

    It may be a JSON string or a positive whole number: 48213 and 48213.0 are both "48213". Absent are null, a
    blank (``is_nothing``), any other type, zero and negative numbers, which mean "none" where ids are
    numbers, and floats beyond 2**53, whose digits are not exact.

    Raises ``InvalidMessage`` if it is needed and absent, longer than ``MAX_ID_LENGTH``, or contains control
    characters.
    """
    value = place.get(name)
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) <= _EXACT_FLOAT else None
    if isinstance(value, int):
        value = str(value) if value > 0 and not isinstance(value, bool) else None
    text = trimmed(value) if isinstance(value, str) else ""
    full_name = f"{parent}.{name}" if parent else name
    if is_nothing(text):
        if needed:
            raise InvalidMessage(f"{full_name} is missing.")
        return ""
    if len(text) > MAX_ID_LENGTH:
        raise InvalidMessage(f"{full_name} is longer than {MAX_ID_LENGTH} characters.")
    if CONTROL_CHARACTERS.search(text):
        raise InvalidMessage(f"{full_name} holds control characters.")
    return text


def is_nothing(text: str) -> bool:
    """Whether a text means "none": blank, or the "null" and "undefined" that some servers write."""
    return text.strip().lower() in ("", "null", "undefined")


def as_uuid(text: str) -> UUID | None:
    """A UUID in any spelling: upper case, in braces, as a URN or without hyphens. None for other text."""
    try:
        return UUID(text.strip().casefold().strip("{}()"))
    except ValueError:
        return None


def same_id(one: str, other: str) -> bool:
    """Whether two identifiers are the same: UUIDs are compared as UUIDs, all others as trimmed text."""
    first = as_uuid(one)
    return trimmed(one) == trimmed(other) or (first is not None and first == as_uuid(other))


def spellings(text: str) -> list[str]:
    """The usual spellings of an identifier, to find a stored one: several for a UUID, one for any other."""
    value = as_uuid(text)
    if value is None:
        return [text]
    plain = (str(value), value.hex)
    every = [form for lower in plain for form in (lower, lower.upper())]
    return list(dict.fromkeys([text, *every, *(f"{{{form}}}" for form in every[:2]), value.urn]))


def trimmed(text: str) -> str:
    """The text without invisible characters and surrounding white space."""
    return remove_invisible(text).strip()


def same_uuid(text: str) -> str:
    """A UUID in its usual spelling; any other identifier unchanged."""
    return str(UUID(text)) if _UUID.fullmatch(text) else text


def optional_text(place: Mapping[str, Any], name: str, *, within: int | None = None) -> str:
    """A clean line that the message can do without: empty if it is absent or of another type.

    A number counts as text. A text longer than ``within`` is absent, because a cut identifier or URL is
    another one.
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
    """An object that the message needs. Raises ``InvalidMessage`` for an empty one and any other value."""
    value = body.get(name)
    if not isinstance(value, dict) or not value:
        raise InvalidMessage(f"{name} has to be an object with content.")
    return value
