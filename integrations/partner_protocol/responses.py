"""What the portal answers to the calls of the partner protocol. Pure.

Source: Ashby's guide and public OpenAPI (``docs/protocol.md``, "Ashby calls the portal").
"""

from dataclasses import dataclass, field
from typing import Annotated

from .messages import AssessmentUpdate
from .parsing import JSON
from .parts import Message, Part

CUSTOM_FIELD_TYPES = (
    *("String", "Date", "DateRange", "Number", "ValueSelect", "MultiValueSelect", "Boolean", "LongText"),
    *("Email", "Phone", "Score", "SocialLink", "Url", "Currency", "Location"),
)

_UUID = Part(schema={"format": "uuid"})


@dataclass(frozen=True)
class AssessmentType(Message):
    """A package that the organization may order."""

    assessment_type_id: Annotated[str, _UUID]
    name: str
    description: str


@dataclass(frozen=True)
class PossibleValue(Message):
    """A value that a custom field may take."""

    key: str
    value: str


@dataclass(frozen=True)
class CustomFieldEntry(Message):
    """A question that Ashby asks the recruiter before a start."""

    id: Annotated[str, _UUID]
    name: str
    type: Annotated[str, Part(schema={"enum": list(CUSTOM_FIELD_TYPES)})]
    possible_values: Annotated[list[JSON], Part(schema={"type": "array", "items": PossibleValue})] = field(
        default_factory=list, kw_only=True
    )
    is_required: Annotated[bool, Part(name="isRequired")]


@dataclass(frozen=True)
class StartedAssessment(Message):
    """An order that the portal has accepted."""

    assessment_id: Annotated[str, _UUID]
    update_request: Annotated[JSON, Part(schema=AssessmentUpdate)]


@dataclass(frozen=True)
class AssessmentId(Message):
    """The order that a call was about, by the id that the caller knows it by."""

    assessment_id: str


@dataclass(frozen=True)
class _Success(Message):
    success: Annotated[bool, Part(schema={"const": True})] = field(default=True, init=False)


@dataclass(frozen=True)
class AssessmentListResponse(_Success):
    """What the organization may order."""

    results: tuple[AssessmentType, ...]


@dataclass(frozen=True)
class CustomFieldListResponse(_Success):
    """The organization's custom fields."""

    fields: Annotated[list[JSON], Part(schema={"type": "array", "items": CustomFieldEntry})]


@dataclass(frozen=True)
class StartResponse(_Success):
    """The order, and the first update of it."""

    results: StartedAssessment


@dataclass(frozen=True)
class AssessmentIdResponse(_Success):
    """The call about this order was carried out."""

    results: AssessmentId


@dataclass(frozen=True)
class ErrorInfo(Message):
    """Why a call was refused."""

    code: str
    message: str
    request_id: Annotated[str, Part(name="requestId")]


@dataclass(frozen=True)
class ErrorResponse(Message):
    """The error envelope. ``message`` is at the top where Ashby shows it to its user."""

    success: Annotated[bool, Part(schema={"const": False})] = field(default=False, init=False)
    errors: tuple[str, ...]
    error_info: Annotated[ErrorInfo, Part(name="errorInfo")]
    message: Annotated[str, Part(schema={"description": "With 409 and 422: shown to the Ashby user."})] = ""
