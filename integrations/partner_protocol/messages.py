"""What an assessment's updates and cancellations say, as both sides speak it. Pure.

Source: Ashby's guide "Creating an Assessments Integration" and its public OpenAPI, as written down in
``docs/protocol.md``. ``parse`` takes what came from outside and raises ``InvalidMessage``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from .cleaning import clean_text
from .parsing import JSON, MAX_NAME_LENGTH, MAX_TEXT_LENGTH, as_uuid, is_nothing, read_id
from .parts import FILLED, Message, Part, identifier, read_message
from .times import read_time

#: Of the status that is kept of a message.
MAX_STATUS_LENGTH = 500
#: JSON Schema of a labelled value.
_VALUE: JSON = {"type": ["string", "number", "boolean"], **FILLED}
DATA_TYPES = ("numeric_score", "numeric_duration_minutes", "url", "string", "boolean_success")


@dataclass(frozen=True)
class Data(Message):
    """One labelled value of an assessment, as Ashby's card shows it."""

    identifier: Annotated[str, Part(is_required=False)]
    label: Annotated[str, Part(is_required=False)]
    type: Annotated[str, Part(schema={"enum": list(DATA_TYPES)}, is_required=False)]
    value: Annotated[str | int | float | bool, Part(schema=_VALUE)]
    description: str = ""

    @classmethod
    def parse(cls, part: Any) -> Self | None:
        """An object with a ``value``, or a bare value; None where the part is absent.

        Absent are null, a blank (``is_nothing``), a list, an object without a usable value, and a bare
        ``false`` or 0, which stand for "nothing" where parts are bare values. The label is never read for a
        decision. A text that is too long is cut (``clean_text``).
        """
        if not isinstance(part, dict):
            part = {"value": part or None}
        content = part.get("value")
        if isinstance(content, str):
            content = clean_text(content, MAX_TEXT_LENGTH)
        if not isinstance(content, str | int | float) or is_nothing(str(content)):
            return None
        if isinstance(content, float) and not math.isfinite(content):
            return None
        return cls(
            identifier=_text_in(part, "identifier"),
            label=_text_in(part, "label"),
            type=_text_in(part, "type"),
            value=content,
            description=_text_in(part, "description", MAX_TEXT_LENGTH),
        )


def _text_in(part: Mapping[str, Any], name: str, longest: int = MAX_NAME_LENGTH) -> str:
    value = part.get(name)
    return clean_text(value, longest) if isinstance(value, str) else ""


def read_reference(body: Mapping[str, Any], name: str = "reference_id", parent: str = "") -> str:
    """Our own ``assessment_id`` as it comes back, in its usual spelling where it is a UUID; empty where it is
    absent. Raises ``InvalidMessage`` where it holds control characters or is too long."""
    text = read_id(body, name, parent, needed=False)
    return str(as_uuid(text) or text)


def _read_data(body: Mapping[str, Any], name: str, _parent: str) -> Data | None:
    return Data.parse(body.get(name))


def _read_reason(body: Mapping[str, Any], name: str, parent: str) -> Data | None:
    """The reason of a cancellation; its presence means "cancelled", so ``false`` and 0 count as absent."""
    reason = _read_data(body, name, parent)
    return reason if reason and reason.value else None


def _read_metadata(body: Mapping[str, Any], name: str, _parent: str) -> tuple[Data, ...]:
    items = body.get(name)
    return tuple(data for item in (items if isinstance(items, list) else []) if (data := Data.parse(item)))


_NOTHING: JSON = {"enum": [False, 0]}
_DATA: JSON = {"anyOf": [Data, {**_VALUE, "not": _NOTHING}]}
_REASON: JSON = {
    "anyOf": [{"allOf": [Data, {"properties": {"value": {"not": _NOTHING}}}]}, _DATA["anyOf"][1]],
    "description": "Its presence means that the check is cancelled.",
}
_TIMESTAMP: JSON = {
    "type": "integer",
    "description": "Milliseconds since 1970. ISO 8601 text is read as well.",
}


@dataclass(frozen=True)
class AssessmentUpdate(Message):
    """The body of ``assessment.update``: the portal sends it to Ashby, and Justifacts to the portal."""

    assessment_id: Annotated[str, identifier(needed=False)] = ""
    timestamp: Annotated[int | None, Part(lambda body, name, _: read_time(body.get(name)), _TIMESTAMP)] = None
    status: Annotated[Data | None, Part(_read_data, _DATA, "assessment_status")] = None
    profile_url: Annotated[Data | None, Part(_read_data, _DATA, "assessment_profile_url")] = None
    result: Annotated[Data | None, Part(_read_data, _DATA, "assessment_result")] = None
    cancelled_reason: Annotated[Data | None, Part(_read_reason, _REASON)] = None
    metadata: Annotated[tuple[Data, ...], Part(_read_metadata)] = ()
    reference_id: Annotated[
        str, Part(read_reference, identifier(description="The portal's own assessment_id.").schema)
    ] = ""

    at_least_one: ClassVar = (
        (("assessment_id", "reference_id"), "assessment_id is missing."),
        (
            ("status", "result", "cancelled_reason"),
            "It has no status, no result and no reason of a cancellation that could be read.",
        ),
    )

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Reads liberally: a part that is null, empty, blank or of the wrong type is absent.

        Raises ``InvalidMessage`` where no id can be read, and where neither a status, nor a result, nor a
        reason of a cancellation can.
        """
        return read_message(cls, body)

    @property
    def status_text(self) -> str:
        """The status verbatim, at most 500 characters; empty if there is none."""
        return str(self.status.value).strip()[:MAX_STATUS_LENGTH] if self.status else ""


@dataclass(frozen=True)
class CancelRequest(Message):
    """The body of ``assessment.cancel``."""

    assessment_id: Annotated[str, identifier()]


def parse_assessment_id(body: Mapping[str, Any]) -> UUID | None:
    """The portal's id in the body of a cancellation; None where it cannot be one of the portal's.

    Raises ``InvalidMessage`` where it is missing.
    """
    return as_uuid(read_message(CancelRequest, body).assessment_id)
