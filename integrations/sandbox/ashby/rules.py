"""What Ashby accepts as `assessment.update` (docs/protocol.md). Pure: no state, no network."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

SLOTS = ("assessment_status", "assessment_profile_url", "assessment_result", "cancelled_reason")
TOP_LEVEL = {"assessment_id", "timestamp", "metadata", *SLOTS}
DATA_FIELDS = {"identifier", "label", "type", "value", "description"}
DATA_TYPES = ("numeric_score", "numeric_duration_minutes", "url", "string", "boolean_success")

# Milliseconds: anything below is the year 1973, so seconds; anything above the year 5138, so microseconds.
_EARLIEST_MS = 10**11
_LATEST_MS = 10**14
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def is_uuid(value: Any) -> bool:
    """Whether this is a UUID in its usual form (docs/protocol.md)."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def is_web_address(value: Any) -> bool:
    """Whether this is an http or https address with a host."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def update_problems(body: Any) -> list[str]:
    """Everything that is wrong with the body of one `assessment.update`; empty when it is good."""
    if not isinstance(body, dict):
        return [f"body: an object is required, got {_kind(body)}"]
    nulls = [f"{path}: null is not accepted, leave the field out" for path in _nulls(body, "")]
    if nulls:
        return nulls
    return [
        *_unknown_fields(body, TOP_LEVEL, ""),
        *_identity_problems(body),
        *_slot_problems(body),
        *_metadata_problems(body),
        *_together_problems(body),
        *_duplicate_identifiers(body),
    ]


def data_problems(data: Any, path: str) -> list[str]:
    """What is wrong with one DATA object."""
    if not isinstance(data, dict):
        return [f"{path}: an object is required, got {_kind(data)}"]
    problems = _unknown_fields(data, DATA_FIELDS, f"{path}.")
    for field in ("identifier", "label"):
        problems += _text_problems(data, field, path)
    if "description" in data and not isinstance(data["description"], str):
        problems.append(f"{path}.description: a string is required, got {_kind(data['description'])}")
    return problems + _value_problems(data, path)


def _identity_problems(body: dict[str, Any]) -> Iterator[str]:
    if "assessment_id" not in body:
        yield "assessment_id: required"
    elif not is_uuid(body["assessment_id"]):
        yield "assessment_id: a UUID is required"
    if "timestamp" not in body:
        yield "timestamp: required"
        return
    stamp = body["timestamp"]
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        yield f"timestamp: an integer (milliseconds since the epoch) is required, got {_kind(stamp)}"
    elif stamp < _EARLIEST_MS:
        yield "timestamp: milliseconds since the epoch are required, this looks like seconds"
    elif stamp >= _LATEST_MS:
        yield "timestamp: milliseconds since the epoch are required, this looks like microseconds"


def _slot_problems(body: dict[str, Any]) -> Iterator[str]:
    for slot in SLOTS:
        if slot in body:
            yield from data_problems(body[slot], slot)
    link = body.get("assessment_profile_url")
    if isinstance(link, dict):
        if link.get("type") in DATA_TYPES and link["type"] != "url":
            yield "assessment_profile_url.type: must be url"
        if isinstance(link.get("value"), str) and not is_web_address(link["value"]):
            yield "assessment_profile_url.value: an http or https address is required"


def _metadata_problems(body: dict[str, Any]) -> Iterator[str]:
    if "metadata" not in body:
        return
    if not isinstance(body["metadata"], list):
        yield f"metadata: a list is required, got {_kind(body['metadata'])}"
        return
    for index, item in enumerate(body["metadata"]):
        yield from data_problems(item, f"metadata[{index}]")


def _together_problems(body: dict[str, Any]) -> Iterator[str]:
    if "assessment_status" not in body and "cancelled_reason" not in body:
        yield "assessment_status: required unless cancelled_reason is set"
    if "assessment_result" in body and "assessment_profile_url" not in body:
        yield "assessment_profile_url: required when assessment_result is set"
    if "assessment_result" in body and "cancelled_reason" in body:
        yield "cancelled_reason: an update cannot both complete (assessment_result) and cancel an assessment"


def _duplicate_identifiers(body: dict[str, Any]) -> Iterator[str]:
    metadata = body.get("metadata")
    parts = [body.get(slot) for slot in SLOTS] + (metadata if isinstance(metadata, list) else [])
    seen: set[str] = set()
    for part in parts:
        identifier = part.get("identifier") if isinstance(part, dict) else None
        if not isinstance(identifier, str):
            continue
        if identifier in seen:
            yield f"identifier: {identifier!r} occurs more than once in this update"
        seen.add(identifier)


def _value_problems(data: dict[str, Any], path: str) -> list[str]:
    kind = data.get("type")
    if "type" not in data:
        return [f"{path}.type: required"]
    if not isinstance(kind, str) or kind not in DATA_TYPES:
        return [f"{path}.type: must be one of {', '.join(DATA_TYPES)}"]
    if "value" not in data:
        return [f"{path}.value: required"]
    wanted = _wanted(kind)
    if not _fits(kind, data["value"]):
        return [f"{path}.value: {wanted} is required for type {kind}, got {_kind(data['value'])}"]
    return []


def _wanted(kind: str) -> str:
    if kind.startswith("numeric_"):
        return "a number"
    return "a boolean" if kind == "boolean_success" else "a string"


def _fits(kind: str, value: Any) -> bool:
    if kind.startswith("numeric_"):
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "boolean_success":
        return isinstance(value, bool)
    return isinstance(value, str)


def _text_problems(data: dict[str, Any], field: str, path: str) -> list[str]:
    if field not in data:
        return [f"{path}.{field}: required"]
    if not isinstance(data[field], str):
        return [f"{path}.{field}: a string is required, got {_kind(data[field])}"]
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


def _kind(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "list", dict: "object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)
