"""Declares each part of a message once: its name on the wire, how it is read, what may be sent.

Two readers follow the declarations, the parser (``read_message``) and the published description
of the API, so neither can require what the other does not. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

from .parsing import JSON, MAX_ID_LENGTH, InvalidMessage, optional_text, read_id, read_part

#: Takes a JSON object, the name of a part in it, and the name of the object for error messages ("" at the
#: top). Returns the part's value. Raises ``InvalidMessage`` where the message is useless without the part.
Reader = Callable[[Mapping[str, Any], str, str], Any]

#: JSON Schema of a text that is not blank.
FILLED: JSON = {"pattern": r"\S"}


@dataclass(frozen=True)
class Part:
    """How a field of a message is written on the wire: ``field: Annotated[type, Part(...)]``.

    ``read``: for messages that the portal receives. ``schema``: JSON Schema that refines the one of the
    field's type; a message class in it stands for that message's schema. ``name``: on the wire; empty means
    the field's own. ``is_required``: False for a part that the portal always sends and can do without itself.
    """

    read: Reader | None = None
    schema: Any = None
    name: str = ""
    is_required: bool = True


@dataclass(frozen=True)
class Message:
    """Base of the messages, which are frozen dataclasses. The order of the fields is the order on the wire. A
    field without a default is required."""

    #: Groups of fields of which at least one is required, each with the error for a message that has none.
    at_least_one: ClassVar[tuple[tuple[tuple[str, ...], str], ...]] = ()

    def as_json(self) -> JSON:
        """The message as it is sent. What is absent and not required is left out, never null."""
        parts: JSON = {}
        for field, part in parts_of(type(self)):
            value = getattr(self, field.name)
            if is_always_sent(field) or value not in (None, "", (), [], {}):
                parts[part.name] = _as_json(value)
        return parts


def _as_json(value: Any) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value


_declared: dict[type[Message], tuple[tuple[Field[Any], Part], ...]] = {}


def parts_of(message: type[Message]) -> tuple[tuple[Field[Any], Part], ...]:
    """The fields of a message in order, each with its ``Part``, whose ``name`` is filled in."""
    if message not in _declared:
        hints = get_type_hints(message, include_extras=True)
        _declared[message] = tuple(
            (field, _part_of(field.name, hints[field.name])) for field in fields(message)
        )
    return _declared[message]


def _part_of(name: str, hint: Any) -> Part:
    part: Part = get_args(hint)[1] if get_origin(hint) is Annotated else Part()
    return replace(part, name=part.name or name)


def is_always_sent(field: Field[Any]) -> bool:
    """Whether a field has no default, or (``init=False``) no other value than its default."""
    return not field.init or (field.default is MISSING and field.default_factory is MISSING)


M = TypeVar("M", bound=Message)


def read_message(message: type[M], place: Mapping[str, Any], parent: str = "") -> M:
    """Reads a message, part by part in order, out of a JSON object. Raises ``InvalidMessage``."""
    values = {
        field.name: part.read(place, part.name, parent) for field, part in parts_of(message) if part.read
    }
    for names, error in message.at_least_one:
        if not any(values[name] for name in names):
            raise InvalidMessage(error)
    return message(**values)


# --- Kinds of parts that several messages have ---------------------------------------------------


def identifier(*, needed: bool = True, **schema: Any) -> Part:
    """An identifier, as ``read_id`` reads it. ``schema`` is added to its JSON Schema."""

    def read(place: Mapping[str, Any], name: str, parent: str) -> str:
        return read_id(place, name, parent, needed=needed)

    number = {"type": ["string", "integer"], "exclusiveMinimum": 0}
    about = "One line of text. A whole number is read as its digits."
    return Part(read, {**number, **FILLED, "maxLength": MAX_ID_LENGTH, "description": about, **schema})


def line(
    name: str = "",
    *,
    within: int | None = None,
    cut_after: int | None = None,
    usual: Callable[[str], str] = str,
) -> Part:
    """A line of text that the message can do without (``optional_text``). If longer than ``within`` it is
    absent; after ``cut_after`` characters it is cut. ``usual`` brings it into its usual form."""

    def read(place: Mapping[str, Any], wire_name: str, _parent: str) -> str:
        text = optional_text(place, wire_name, within=within)
        return usual(text[:cut_after])

    about = "Ignored if it cannot be read."
    if within is not None:
        about = f"Ignored if it cannot be read, or is longer than {within} characters."
    if cut_after is not None:
        about = f"Cut after {cut_after} characters. {about}"
    return Part(read, {"description": about}, name)


def nested(message: type[Message], *, as_json: bool = False) -> Part:
    """A message in a message that is useless without it. ``as_json``: kept as JSON, of its known parts."""

    def read(place: Mapping[str, Any], name: str, _parent: str) -> Message | JSON:
        inner = read_message(message, read_part(place, name), name)
        return inner.as_json() if as_json else inner

    return Part(read, message)
