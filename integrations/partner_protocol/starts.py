"""The body of ``assessment.start``: what Ashby sends the portal, and the portal Justifacts. Pure.

Only ``assessment_type_id``, the candidate's names and address, and the ids of the application and the job are
needed; what else cannot be read counts as absent (``docs/protocol.md``, "Reading what arrives").
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
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
    read_id,
    read_part,
    same_uuid,
    without_absent,
)

_TEAM_MEMBER = ("userId", "firstName", "lastName", "email", "role")
_CORRECT_IT = "Correct it on the candidate's profile in Ashby, then start again."


@dataclass(frozen=True)
class Candidate:
    first_name: str
    last_name: str
    email: str = field(repr=False)
    ashby_id: str = ""
    profile_url: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """The texts as their author sees them. Raises ``InvalidMessage`` with a sentence for the recruiter
        where a name or the address cannot be used."""
        part = read_part(body, "candidate")
        return cls(
            first_name=_name_of_person(part, "first_name"),
            last_name=_name_of_person(part, "last_name"),
            email=_address(part),
            ashby_id=same_uuid(optional_text(part, "ashby_id", within=MAX_ID_LENGTH)),
            profile_url=optional_text(part, "ashby_profile_url", within=MAX_URL_LENGTH),
        )

    def has_names_of(self, other: Self) -> bool:
        """Whether the names read the same. Ashby's id is no sign of a person: it merges candidates."""
        return all(
            same_text(one) == same_text(another)
            for one, another in [(self.first_name, other.first_name), (self.last_name, other.last_name)]
        )

    def has_address_of(self, other: Self) -> bool:
        return same_text(self.email) == same_text(other.email)

    @property
    def personal_data(self) -> tuple[str, ...]:
        """What must not stand in anything that is kept about a call."""
        return personal_terms(self.email, self.first_name, self.last_name)

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
    def type_uuid(self) -> UUID | None:
        """The assessment type, however the UUID is written; None for what is none of ours."""
        try:
            return UUID(self.assessment_type_id)
        except ValueError:
            return None

    @property
    def application_id(self) -> str:
        return same_uuid(str(self.application["ashby_id"]))

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
        return cls(
            assessment_type_id=read_id(body, "assessment_type_id"),
            candidate=Candidate.parse(body),
            application=without_absent(
                ashby_id=read_id(application, "ashby_id", "application"),
                status=optional_text(application, "status")[:MAX_ID_LENGTH],
            ),
            job=without_absent(
                ashby_id=read_id(job, "ashby_id", "job"),
                name=optional_text(job, "name")[:MAX_NAME_LENGTH].rstrip(),
                req_id=optional_text(job, "req_id", within=MAX_ID_LENGTH),
                ashby_job_url=optional_text(job, "ashby_job_url", within=MAX_URL_LENGTH),
                hiringTeam=_hiring_team(job),
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


def _hiring_team(job: Mapping[str, Any]) -> list[JSON]:
    """The members of whom something is known. Only what the protocol names goes on to Justifacts."""
    team = job.get("hiringTeam")
    members = [
        without_absent(**{name: optional_text(member, name) for name in _TEAM_MEMBER})
        for member in (team if isinstance(team, list) else [])
        if isinstance(member, dict)
    ]
    return [member for member in members if member]


def _additional_fields(*places: Mapping[str, Any]) -> JSON:
    """Where exactly they stand is not published: the top level first, then application and job."""
    for place in places:
        fields = place.get("additional_fields")
        if fields and isinstance(fields, dict):
            return {name: clean_value(value) for name, value in fields.items()}
    return {}


def _address(part: Mapping[str, Any]) -> str:
    """The candidate's e-mail address. Raises ``InvalidMessage`` for the recruiter."""
    value = part.get("email")
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


def _name_of_person(part: Mapping[str, Any], name: str) -> str:
    """A name that a check can be run on. Raises ``InvalidMessage`` for the recruiter."""
    text, words = optional_text(part, name), name.replace("_", " ")
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
