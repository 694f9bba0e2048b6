"""The rules for the body of `assessment.update` (docs/protocol.md). Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from integrations.sandbox.org_config import is_http_url

PARTS = ("assessment_status", "assessment_profile_url", "assessment_result", "cancelled_reason")
TOP_LEVEL = {"assessment_id", "timestamp", "metadata", *PARTS}
DATA_FIELDS = {"identifier", "label", "type", "value", "description"}
DATA_TYPES = ("numeric_score", "numeric_duration_minutes", "url", "string", "boolean_success")

# As milliseconds, lower numbers are before 1973 (so they are seconds), higher ones after 5138 (microseconds).
_EARLIEST_MS = 10**11
_LATEST_MS = 10**14
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(value: Any) -> bool:
    """Whether the value is a UUID with hyphens (docs/protocol.md)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def update_problems(body: Any) -> list[str]:
    """All problems of a body of `assessment.update`; empty if it is valid."""
    if not isinstance(body, dict):
        return [f"body: an object is required, got {_type_name(body)}"]
    nulls = [f"{path}: null is not accepted, leave the field out" for path in _nulls(body, "")]
    if nulls:
        return nulls
    return [
        *_unknown_fields(body, TOP_LEVEL, ""),
        *_identity_problems(body),
        *_part_problems(body),
        *_metadata_problems(body),
        *_combination_problems(body),
        *_duplicate_identifiers(body),
    ]


def data_problems(data: Any, path: str) -> list[str]:
    """All problems of one DATA object."""
    if not isinstance(data, dict):
        return [f"{path}: an object is required, got {_type_name(data)}"]
    problems = _unknown_fields(data, DATA_FIELDS, f"{path}.")
    for field in ("identifier", "label"):
        problems += _text_problems(data, field, path)
    if "description" in data and not isinstance(data["description"], str):
        problems.append(f"{path}.description: a string is required, got {_type_name(data['description'])}")
    return problems + _value_problems(data, path)


def _identity_problems(body: dict[str, Any]) -> Iterator[str]:
    if "assessment_id" not in body:
        yield "assessment_id: required"
    elif not is_uuid(body["assessment_id"]):
        yield "assessment_id: a UUID is required"
    if "timestamp" not in body:
        yield "timestamp: required"
        return
    timestamp = body["timestamp"]
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        yield f"timestamp: an integer (milliseconds since the epoch) is required, got {_type_name(timestamp)}"
    elif timestamp < _EARLIEST_MS:
        yield "timestamp: milliseconds since the epoch are required, this looks like seconds"
    elif timestamp >= _LATEST_MS:
        yield "timestamp: milliseconds since the epoch are required, this looks like microseconds"


def _part_problems(body: dict[str, Any]) -> Iterator[str]:
    for part in PARTS:
        if part in body:
            yield from data_problems(body[part], part)
    link = body.get("assessment_profile_url")
    if isinstance(link, dict):
        if link.get("type") in DATA_TYPES and link["type"] != "url":
            yield "assessment_profile_url.type: must be url"
        if isinstance(link.get("value"), str) and not is_http_url(link["value"]):
            yield "assessment_profile_url.value: an http or https address is required"


def _metadata_problems(body: dict[str, Any]) -> Iterator[str]:
    if "metadata" not in body:
        return
    if not isinstance(body["metadata"], list):
        yield f"metadata: a list is required, got {_type_name(body['metadata'])}"
        return
    for index, item in enumerate(body["metadata"]):
        yield from data_problems(item, f"metadata[{index}]")


def _combination_problems(body: dict[str, Any]) -> Iterator[str]:
    if "assessment_status" not in body and "cancelled_reason" not in body:
        yield "assessment_status: required unless cancelled_reason is set"
    if "assessment_result" in body and "assessment_profile_url" not in body:
        yield "assessment_profile_url: required when assessment_result is set"
    if "assessment_result" in body and "cancelled_reason" in body:
        yield "cancelled_reason: an update cannot both complete (assessment_result) and cancel an assessment"


def _duplicate_identifiers(body: dict[str, Any]) -> Iterator[str]:
    metadata = body.get("metadata")
    parts = [body.get(part) for part in PARTS] + (metadata if isinstance(metadata, list) else [])
    seen: set[str] = set()
    for part in parts:
        identifier = part.get("identifier") if isinstance(part, dict) else None
        if not isinstance(identifier, str):
            continue
        if identifier in seen:
            yield f"identifier: {identifier!r} occurs more than once in this update"
        seen.add(identifier)


def _value_problems(data: dict[str, Any], path: str) -> list[str]:
    data_type = data.get("type")
    if "type" not in data:
        return [f"{path}.type: required"]
    if not isinstance(data_type, str) or data_type not in DATA_TYPES:
        return [f"{path}.type: must be one of {', '.join(DATA_TYPES)}"]
    if "value" not in data:
        return [f"{path}.value: required"]
    expected = _description(data_type)
    if not _fits(data_type, data["value"]):
        return [f"{path}.value: {expected} is required for type {data_type}, got {_type_name(data['value'])}"]
    return []


def _description(data_type: str) -> str:
    if data_type.startswith("numeric_"):
        return "a number"
    return "a boolean" if data_type == "boolean_success" else "a string"


def _fits(data_type: str, value: Any) -> bool:
    if data_type.startswith("numeric_"):
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if data_type == "boolean_success":
        return isinstance(value, bool)
    return isinstance(value, str)


def _text_problems(data: dict[str, Any], field: str, path: str) -> list[str]:
    if field not in data:
        return [f"{path}.{field}: required"]
    if not isinstance(data[field], str):
        return [f"{path}.{field}: a string is required, got {_type_name(data[field])}"]
    return [] if data[field].strip() else [f"{path}.{field}: must not be empty"]


def _unknown_fields(body: dict[str, Any], known: set[str], path: str) -> list[str]:
    return [f"{path}{name}: unknown field" for name in body if name not in known]


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path or "body"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _nulls(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{index}]")


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
