"""The body of ``assessment.start``: what Ashby sends the portal, and the portal Justifacts. Pure.

Required are ``assessment_type_id``, the candidate's names and e-mail address, and the ids of the application
and the job. Other parts that cannot be read count as absent (``docs/protocol.md``, "Reading what arrives").
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from integrations.redaction import personal_terms

from .cleaning import clean_address, clean_value, has_letter, same_text
from .parsing import (
    JSON,
    MAX_EMAIL_LENGTH,
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PERSON_NAME_LENGTH,
    MAX_URL_LENGTH,
    InvalidMessage,
    optional_text,
    read_part,
    same_uuid,
)
from .parts import FILLED, Message, Part, identifier, line, nested, read_message

_CORRECT_IT = "Correct it on the candidate's profile in Ashby, then start again."


def _read_name(candidate: Mapping[str, Any], name: str, _parent: str) -> str:
    """A name that a check can be run on. Raises ``InvalidMessage`` for the recruiter."""
    text, words = optional_text(candidate, name), name.replace("_", " ")
    if not has_letter(text):
        what = "has no letters in it" if text else "is missing"
        raise InvalidMessage(
            f"The candidate's {words} {what}, and Justifacts needs it. {_CORRECT_IT} "
            "If this person has only one name, write that name in both fields: first name and last name.",
            for_person=True,
        )
    if len(unicodedata.normalize("NFC", text)) > MAX_PERSON_NAME_LENGTH:
        raise InvalidMessage(
            f"The candidate's {words} is longer than {MAX_PERSON_NAME_LENGTH} letters, which Justifacts does "
            f"not take. {_CORRECT_IT}",
            for_person=True,
        )
    return text


def _read_email(candidate: Mapping[str, Any], name: str, _parent: str) -> str:
    """The candidate's e-mail address. Raises ``InvalidMessage`` for the recruiter."""
    value = candidate.get(name)
    address = clean_address(value) if isinstance(value, str) else ""
    if len(address) > MAX_EMAIL_LENGTH:
        raise InvalidMessage(
            f"The candidate's e-mail address is longer than {MAX_EMAIL_LENGTH} characters. {_CORRECT_IT}",
            for_person=True,
        )
    try:
        validate_email(address)
        valid = address.isprintable()
    except ValidationError:
        valid = False
    if not valid:
        raise InvalidMessage(
            f"The candidate has no valid e-mail address, which Justifacts needs. {_CORRECT_IT}",
            for_person=True,
        )
    return address


_NAME = Part(
    _read_name,
    {
        "pattern": r"\p{L}",
        "maxLength": MAX_PERSON_NAME_LENGTH,
        "description": "Invisible characters are removed. A name without a letter, or one that is too long, "
        "is answered 422 with a sentence for the recruiter.",
    },
)
_EMAIL = Part(_read_email, {**FILLED, "format": "email", "maxLength": MAX_EMAIL_LENGTH})


@dataclass(frozen=True)
class Candidate(Message):
    """The person to check."""

    ashby_id: Annotated[str, line(within=MAX_ID_LENGTH, usual=same_uuid)] = field(default="", kw_only=True)
    first_name: Annotated[str, _NAME]
    last_name: Annotated[str, _NAME]
    email: Annotated[str, _EMAIL] = field(repr=False)
    profile_url: Annotated[str, line("ashby_profile_url", within=MAX_URL_LENGTH)] = ""

    def has_names_of(self, other: Self) -> bool:
        """Whether the names read the same. Ashby's id does not identify a person: Ashby merges candidates."""
        return all(
            same_text(one) == same_text(another)
            for one, another in [(self.first_name, other.first_name), (self.last_name, other.last_name)]
        )

    def has_address_of(self, other: Self) -> bool:
        """Whether the e-mail addresses read the same."""
        return same_text(self.email) == same_text(other.email)

    @property
    def personal_data(self) -> tuple[str, ...]:
        """What no log, error or stored call may contain."""
        return personal_terms(self.email, self.first_name, self.last_name)


@dataclass(frozen=True)
class Application(Message):
    """The candidate's application for the job."""

    ashby_id: Annotated[str, identifier()]
    status: Annotated[str, line(cut_after=MAX_ID_LENGTH)] = ""


@dataclass(frozen=True)
class TeamMember(Message):
    """Somebody who hires for the job."""

    user_id: Annotated[str, line("userId")] = ""
    first_name: Annotated[str, line("firstName")] = ""
    last_name: Annotated[str, line("lastName")] = ""
    email: Annotated[str, line()] = ""
    role: Annotated[str, line()] = ""


def _read_team(job: Mapping[str, Any], name: str, _parent: str) -> list[JSON]:
    """The members with at least one known part. Only what the protocol names goes on to Justifacts."""
    team = job.get(name)
    members = [
        read_message(TeamMember, member).as_json()
        for member in (team if isinstance(team, list) else [])
        if isinstance(member, dict)
    ]
    return [member for member in members if member]


@dataclass(frozen=True)
class Job(Message):
    """The job that the candidate applied for."""

    ashby_id: Annotated[str, identifier()]
    name: Annotated[str, line(cut_after=MAX_NAME_LENGTH, usual=str.rstrip)] = ""
    requisition_id: Annotated[str, line("req_id", within=MAX_ID_LENGTH)] = ""
    url: Annotated[str, line("ashby_job_url", within=MAX_URL_LENGTH)] = ""
    hiring_team: Annotated[
        list[JSON], Part(_read_team, {"type": "array", "items": TeamMember}, "hiringTeam")
    ] = field(default_factory=list)


def _read_additional_fields(body: Mapping[str, Any], name: str, _parent: str) -> JSON:
    """The recruiter's answers to the custom fields. Ashby does not publish where they are: the top level
    is read first, then the application and the job."""
    for place in (body, body["application"], body["job"]):
        answers = place.get(name)
        if answers and isinstance(answers, dict):
            return {field_id: clean_value(value) for field_id, value in answers.items()}
    return {}


_ANSWERS = Part(_read_additional_fields, {"type": "object", "description": "Keys are custom field ids."})


@dataclass(frozen=True)
class StartRequest(Message):
    """The body of ``assessment.start``."""

    assessment_type_id: Annotated[str, identifier(description="As `assessment.list` names it.")]
    candidate: Annotated[Candidate, nested(Candidate)]
    # Orders store these two as JSON.
    application: Annotated[JSON, nested(Application, as_json=True)]
    job: Annotated[JSON, nested(Job, as_json=True)]
    additional_fields: Annotated[JSON, _ANSWERS] = field(default_factory=dict)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Liberal in what may be missing, strict about what an order cannot do without.

        Raises ``InvalidMessage``.
        """
        for name in ("application", "job"):
            read_part(body, name)  # An error about one of these is reported before any other.
        return read_message(cls, body)

    @property
    def type_uuid(self) -> UUID | None:
        """The assessment type; None for a text that is no UUID and so none of the portal's types."""
        try:
            return UUID(self.assessment_type_id)
        except ValueError:
            return None

    @property
    def application_id(self) -> str:
        """Ashby's id of the application, a UUID in its usual spelling."""
        return same_uuid(str(self.application["ashby_id"]))

    @property
    def job_id(self) -> str:
        """Ashby's id of the job, as Ashby wrote it."""
        return str(self.job["ashby_id"])

    @property
    def job_name(self) -> str:
        """The job's title; may be empty."""
        return str(self.job.get("name", ""))
