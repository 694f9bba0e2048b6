"""The partner protocol's messages, as both sides speak them. Pure: no network, no database.

Source: Ashby's guide "Creating an Assessments Integration" and its public OpenAPI, as written
down in ``docs/protocol.md``. ``parse`` takes what came from outside and
raises ``InvalidMessage``; ``as_json`` leaves absent fields out and never says null.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from .parsing import (
    JSON,
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    InvalidMessage,
    as_uuid,
    clean_text,
    is_nothing,
    read_id,
)
from .times import read_time

#: Of the status that is kept of a message.
MAX_STATUS_LENGTH = 500
DATA_TYPES = ("numeric_score", "numeric_duration_minutes", "url", "string", "boolean_success")
CUSTOM_FIELD_TYPES = (
    *("String", "Date", "DateRange", "Number", "ValueSelect", "MultiValueSelect", "Boolean", "LongText"),
    *("Email", "Phone", "Score", "SocialLink", "Url", "Currency", "Location"),
)


@dataclass(frozen=True)
class Data:
    """One labelled value of an assessment, as Ashby's card shows it."""

    identifier: str
    label: str
    type: str
    value: str | int | float | bool
    description: str = ""

    @classmethod
    def parse(cls, part: Any) -> Self | None:
        """An object with a ``value``, or a bare value; None where the part is absent.

        Absent are null, a blank (``is_nothing``), a list, an object without a usable value, and a bare
        ``false`` or 0, which stand for "nothing" where parts are bare values. Labels never decide. A text
        that is too long is cut (``clean_text``).
        """
        if not isinstance(part, dict):
            part = {"value": part or None}
        content = part.get("value")
        if isinstance(content, str):
            content = clean_text(content)
        if not isinstance(content, str | int | float | bool) or is_nothing(str(content)):
            return None
        if isinstance(content, float) and not math.isfinite(content):
            return None
        return cls(
            identifier=_words(part, "identifier"),
            label=_words(part, "label"),
            type=_words(part, "type"),
            value=content,
            description=_words(part, "description", MAX_TEXT_LENGTH),
        )

    def as_json(self) -> JSON:
        data = {"identifier": self.identifier, "label": self.label, "type": self.type, "value": self.value}
        return data | ({"description": self.description} if self.description else {})


@dataclass(frozen=True)
class AssessmentUpdate:
    """The body of ``assessment.update``: what we send Ashby, and what Justifacts sends us."""

    assessment_id: str
    timestamp: int | None
    status: Data | None = None
    profile_url: Data | None = None
    result: Data | None = None
    cancelled_reason: Data | None = None
    metadata: tuple[Data, ...] = ()
    reference_id: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Reads liberally: a part that is null, empty, blank or of the wrong type is absent.

        Raises ``InvalidMessage`` where no id can be read, and where neither a status, nor a result, nor a
        reason of a cancellation can.
        """
        metadata = body.get("metadata")
        update = cls(
            assessment_id=read_id(body, "assessment_id", needed=False),
            timestamp=read_time(body.get("timestamp")),
            status=Data.parse(body.get("assessment_status")),
            profile_url=Data.parse(body.get("assessment_profile_url")),
            result=Data.parse(body.get("assessment_result")),
            cancelled_reason=_reason(body.get("cancelled_reason")),
            metadata=tuple(
                data
                for item in (metadata if isinstance(metadata, list) else [])
                if (data := Data.parse(item))
            ),
            reference_id=read_reference(body),
        )
        if not update.assessment_id and not update.reference_id:
            raise InvalidMessage("assessment_id is missing.")
        if not (update.status or update.cancelled_reason or update.result):
            raise InvalidMessage(
                "It has no status, no result and no reason of a cancellation that could be read."
            )
        return update

    @property
    def status_text(self) -> str:
        """The status verbatim, at most 500 characters; empty if there is none."""
        return str(self.status.value).strip()[:MAX_STATUS_LENGTH] if self.status else ""

    def as_json(self) -> JSON:
        parts: JSON = {
            "assessment_id": self.assessment_id,
            "timestamp": self.timestamp,
            "assessment_status": self.status and self.status.as_json(),
            "assessment_profile_url": self.profile_url and self.profile_url.as_json(),
            "assessment_result": self.result and self.result.as_json(),
            "cancelled_reason": self.cancelled_reason and self.cancelled_reason.as_json(),
            "metadata": [data.as_json() for data in self.metadata],
        }
        return {name: value for name, value in parts.items() if value}


def read_reference(body: Mapping[str, Any]) -> str:
    """Our own ``assessment_id`` as it comes back, in its usual spelling where it is a UUID; empty where it is
    absent. Raises ``InvalidMessage`` where it holds control characters or is too long."""
    text = read_id(body, "reference_id", needed=False)
    reference = as_uuid(text)
    return str(reference) if reference else text


def _reason(part: Any) -> Data | None:
    """Of a cancellation, which its presence tells; ``false`` and 0 say that there was none."""
    reason = Data.parse(part)
    return reason if reason and reason.value else None


def _words(part: Mapping[str, Any], name: str, longest: int = MAX_NAME_LENGTH) -> str:
    value = part.get(name)
    return clean_text(value, longest) if isinstance(value, str) else ""


def parse_assessment_id(body: Mapping[str, Any]) -> UUID | None:
    """Our id in a body; None where it cannot be one of ours.

    Raises ``InvalidMessage`` where it is missing.
    """
    text = read_id(body, "assessment_id")
    return as_uuid(text)
