"""The partner protocol's messages, as both sides speak them. Pure: no network, no database.

Source: Ashby's guide "Creating an Assessments Integration" and its public OpenAPI, as written
down in the project's contract (sections 1 to 3). ``parse`` takes what came from outside and
raises ``InvalidMessage``; ``as_json`` leaves absent fields out and never says null.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from uuid import UUID

from integrations.redaction import conceal

from .parsing import JSON, MAX_TEXT_LENGTH, InvalidMessage, read_id, read_line, read_text

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
    def parse(cls, value: Any, name: str) -> Self | None:
        """None where the part is absent. A bare string is taken as a string value."""
        if value is None:
            return None
        if isinstance(value, str):
            value = {"value": value}
        if not isinstance(value, dict):
            raise InvalidMessage(f"{name} has to be an object.")
        content = value.get("value")
        if not isinstance(content, str | int | float | bool) or not str(content).strip():
            raise InvalidMessage(f"{name}.value is missing.")
        if isinstance(content, str) and len(content) > MAX_TEXT_LENGTH:
            raise InvalidMessage(f"{name}.value is too long.")
        return cls(
            identifier=read_text(value, "identifier", name, needed=False),
            label=read_text(value, "label", name, needed=False),
            type=read_text(value, "type", name, needed=False),
            value=content,
            description=read_text(value, "description", name, needed=False, longest=MAX_TEXT_LENGTH),
        )

    def without(self, hide: Iterable[str]) -> Self:
        """The same, should its value repeat any of ``hide``, with dots in its place."""
        return replace(self, value=conceal(self.value, hide))

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
        """Raises ``InvalidMessage`` where Ashby's own rules are broken: no id, no status and no
        reason, a timestamp that is no whole number."""
        timestamp = body.get("timestamp")
        if timestamp is not None and (type(timestamp) is not int or timestamp <= 0):
            raise InvalidMessage("timestamp has to be a whole number of milliseconds since 1970.")
        metadata = body.get("metadata")
        if metadata is not None and not isinstance(metadata, list):
            raise InvalidMessage("metadata has to be a list.")
        update = cls(
            assessment_id=read_line(body, "assessment_id", "", needed=False).strip(),
            timestamp=timestamp,
            status=Data.parse(body.get("assessment_status"), "assessment_status"),
            profile_url=Data.parse(body.get("assessment_profile_url"), "assessment_profile_url"),
            result=Data.parse(body.get("assessment_result"), "assessment_result"),
            cancelled_reason=Data.parse(body.get("cancelled_reason"), "cancelled_reason"),
            metadata=tuple(data for item in metadata or [] if (data := Data.parse(item, "metadata"))),
            reference_id=read_line(body, "reference_id", "", needed=False).strip(),
        )
        if not update.assessment_id and not update.reference_id:
            raise InvalidMessage("assessment_id is missing.")
        if not (update.status or update.cancelled_reason or update.result):
            raise InvalidMessage("assessment_status is missing.")
        return update

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


def parse_assessment_id(body: Mapping[str, Any]) -> UUID | None:
    """Our id in a body; None where it cannot be one of ours.

    Raises ``InvalidMessage`` where it is missing.
    """
    text = read_id(body, "assessment_id")
    try:
        return UUID(text)
    except ValueError:
        return None
