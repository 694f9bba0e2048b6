"""The published OpenAPI description, derived from the messages of the partner protocol.

``integrations/partner_protocol/parts.py`` declares each part of a message once, for the parser and for this.
"""

from inspect import getdoc
from typing import Any, get_args, get_origin, get_type_hints

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiResponse

from integrations.partner_protocol.parts import Message, is_always_sent, parts_of
from integrations.partner_protocol.responses import ErrorResponse

_BASIC_TYPES = {str: "string", int: "integer", bool: "boolean"}


class MessageSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describes a ``Message`` by its fields, their types and their ``Part`` declarations."""

    target_class = Message
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: str) -> str:
        return str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        message: type[Message] = self.target
        hints, parts = get_type_hints(message), parts_of(message)
        names = {field.name: part.name for field, part in parts}

        def described(schema: Any) -> Any:
            """A type or a JSON Schema, with references in place of the message classes in it."""
            if isinstance(schema, dict):
                return {name: described(inner) for name, inner in schema.items()}
            if isinstance(schema, list):
                return [described(inner) for inner in schema]
            if get_origin(schema) is tuple:
                return {"type": "array", "items": described(get_args(schema)[0])}
            if not isinstance(schema, type):
                return schema
            if issubclass(schema, Message):
                return auto_schema.resolve_serializer(schema, direction).ref
            return {"type": _BASIC_TYPES[schema]}

        def described_part(hint: Any, schema: Any) -> dict[str, Any]:
            if isinstance(schema, type):
                hint, schema = schema, {}
            of_type = described(hint) if get_origin(hint) is tuple or isinstance(hint, type) else {}
            return {**of_type, **described(schema or {})}

        groups = [
            {"anyOf": [{"required": [names[name]]} for name in group]} for group, _ in message.at_least_one
        ]
        return {
            "type": "object",
            "description": (getdoc(message) or "").replace("``", "`"),
            "properties": {
                part.name: described_part(hints[field.name], part.schema) for field, part in parts
            },
            "required": [part.name for field, part in parts if is_always_sent(field) and part.is_required],
            **({"allOf": groups} if groups else {}),
        }


def refusal(description: str) -> OpenApiResponse:
    """Describes an answer in the error envelope."""
    return OpenApiResponse(ErrorResponse, description=description)


#: What every call may be answered, by status.
REFUSALS = {
    400: refusal("The body does not follow the protocol. Nothing was changed."),
    401: refusal("No credentials."),
    403: refusal("The verification key is unknown, or the organization is switched off."),
    405: refusal("The method is not POST."),
    413: refusal("The body is larger than 256 KB."),
    415: refusal("The content type of a call from Ashby is not application/json."),
    429: refusal("Too many calls, or too many wrong keys. Retry-After says when to call again."),
    503: refusal("The database cannot be reached, or not in time. Nothing was changed."),
}
