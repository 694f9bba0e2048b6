"""The partner protocol's messages, as both sides speak them. Pure: no network, no database.

Source: Ashby's guide "Creating an Assessments Integration" and its public OpenAPI, as written
down in the project's contract (sections 1 to 3). ``parse`` takes what came from outside and
raises ``InvalidMessage``; ``as_json`` leaves absent fields out and never says null.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from integrations.redaction import about_a_person, conceal

from .parsing import (
    JSON,
    MAX_EMAIL_LENGTH,
    MAX_TEXT_LENGTH,
    MAX_URL_LENGTH,
    InvalidMessage,
    read_line,
    read_part,
    read_text,
    without_absent,
)

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


@dataclass(frozen=True)
class Candidate:
    first_name: str
    last_name: str
    email: str = field(repr=False)
    ashby_id: str = ""
    profile_url: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        part = read_part(body, "candidate")
        return cls(
            first_name=_name_of_person(part, "first_name"),
            last_name=_name_of_person(part, "last_name"),
            email=_address(part),
            ashby_id=read_line(part, "ashby_id", "candidate", needed=False),
            profile_url=read_line(
                part, "ashby_profile_url", "candidate", needed=False, longest=MAX_URL_LENGTH
            ),
        )

    @property
    def personal_data(self) -> tuple[str, ...]:
        """What must not stand in anything that is kept about a call."""
        return about_a_person(self.email, self.first_name, self.last_name)

    def as_json(self) -> JSON:
        return without_absent(
            ashby_id=self.ashby_id,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email,
            ashby_profile_url=self.profile_url,
        )


@dataclass(frozen=True)
class StartRequest:
    """The body of ``assessment.start``. ``application`` and ``job`` keep every known field."""

    assessment_type_id: str
    candidate: Candidate
    application: JSON
    job: JSON
    additional_fields: JSON

    @property
    def application_id(self) -> str:
        return str(self.application["ashby_id"])

    @property
    def job_id(self) -> str:
        return str(self.job["ashby_id"])

    @property
    def job_name(self) -> str:
        return str(self.job.get("name", ""))

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Liberal in what may be missing, strict about what an order cannot do without.

        Raises ``InvalidMessage``.
        """
        application, job = read_part(body, "application"), read_part(body, "job")
        team = job.get("hiringTeam")
        if team is not None and not (isinstance(team, list) and all(isinstance(m, dict) for m in team)):
            raise InvalidMessage("job.hiringTeam has to be a list of objects.")
        return cls(
            assessment_type_id=read_line(body, "assessment_type_id", ""),
            candidate=Candidate.parse(body),
            application=without_absent(
                ashby_id=read_line(application, "ashby_id", "application"),
                status=read_line(application, "status", "application", needed=False),
            ),
            job=without_absent(
                ashby_id=read_line(job, "ashby_id", "job"),
                name=read_text(job, "name", "job", needed=False),
                req_id=read_line(job, "req_id", "job", needed=False),
                ashby_job_url=read_line(job, "ashby_job_url", "job", needed=False, longest=MAX_URL_LENGTH),
                hiringTeam=team,
            ),
            additional_fields=_additional_fields(body, application, job),
        )

    def as_json(self) -> JSON:
        """What the portal says to Justifacts, in Ashby's place."""
        message = {
            "assessment_type_id": self.assessment_type_id,
            "candidate": self.candidate.as_json(),
            "application": self.application,
            "job": self.job,
        }
        return message | ({"additional_fields": self.additional_fields} if self.additional_fields else {})


def parse_assessment_id(body: Mapping[str, Any]) -> UUID | None:
    """Our id in a body; None where it is a text that cannot be one of ours.

    Raises ``InvalidMessage`` where it is missing or no text.
    """
    text = read_line(body, "assessment_id", "")
    try:
        return UUID(text)
    except ValueError:
        return None


def _additional_fields(*places: Mapping[str, Any]) -> JSON:
    """Where exactly they stand is not published: the top level first, then application and job."""
    for place in places:
        fields = place.get("additional_fields")
        if fields is not None and not isinstance(fields, dict):
            raise InvalidMessage("additional_fields has to be an object.")
        if fields:
            return fields
    return {}


def _address(part: Mapping[str, Any]) -> str:
    """The candidate's e-mail address, without the blanks and invisible marks that a paste leaves."""
    pasted = read_line(part, "email", "candidate", needed=False, longest=MAX_EMAIL_LENGTH)
    address = pasted.strip("\u200b\u200e\u200f\u2060\ufeff\u00a0 ")
    try:
        validate_email(address)
        valid = address.isprintable()
    except ValidationError:
        valid = False
    if not valid:
        raise InvalidMessage(
            "The candidate has no valid e-mail address, which Justifacts needs. "
            "Correct it on the candidate's profile, then start again.",
            for_person=True,
        )
    return address


def _name_of_person(part: Mapping[str, Any], name: str) -> str:
    text = read_line(part, name, "candidate", needed=False)
    if not text.strip():
        words = name.replace("_", " ")
        raise InvalidMessage(
            f"The candidate has no {words}, which Justifacts needs. "
            "Add it on the candidate's profile, then start again.",
            for_person=True,
        )
    return text
