"""Justifacts' messages in a dialect: updates, answers and package lists. Only their form changes, not their
meaning. Pure, except for the dialect's draws."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from integrations.sandbox.dialects.dialect import Dialect

_PARTS = ("assessment_status", "assessment_result", "assessment_profile_url", "cancelled_reason")
_TIMES = ("text_times", "iso_times", "float_times", "second_times", "no_times")
_NOTHING: Any = object()
#: Ways to write that a part is absent.
_EMPTY_PARTS: tuple[Any, ...] = (
    *("", " ", None, {}, [], _NOTHING),
    {"identifier": "r", "label": "R", "type": "string", "value": None},
    {"identifier": "r", "label": "R", "type": "string", "value": ""},
)
_EMPTY_METADATA: tuple[Any, ...] = (
    *({}, "", None, [], [None], [{}], "none"),
    [{"identifier": "eta", "label": "ETA", "type": "string", "value": None}],
)
_UNREADABLE_TIMES: tuple[Any, ...] = (_NOTHING, None, 0, -1, "", "now", {}, "0000-00-00T00:00:00Z")
_EXTRA = {"x_tenant": 7, "audit": {"by": "batch", "rows": [1, None]}, "statusCode": "IP"}


def write_answer(dialect: Dialect, payload: Any) -> Any:
    """A payload of an answer."""
    if not isinstance(payload, dict) or payload.get("success") is not True:
        return payload
    results = payload.get("results")
    if isinstance(results, dict):
        results = write_update(dialect, results, is_answer=True)
    elif isinstance(results, list):
        results = [_write_package(dialect, row) for row in results]
    return {**payload, "results": results, **_extra(dialect)}


def write_update(dialect: Dialect, update: dict[str, Any], *, is_answer: bool) -> dict[str, Any]:
    """An update, or the result of a start or a cancel. ``is_answer``: not a push."""
    message = dict(update)
    message["assessment_id"] = as_number(dialect, message.get("assessment_id"))
    if any(part in message for part in _PARTS):
        _write_parts(dialect, message)
    if "timestamp" in message:
        _replace(message, "timestamp", _write_time(dialect, message["timestamp"]))
    if "reference_id" in message:
        _replace(
            message, "reference_id", _write_reference(dialect, message["reference_id"], is_answer=is_answer)
        )
    return {**message, **_extra(dialect)}


def as_number(dialect: Dialect, identifier: Any) -> Any:
    """An id as a JSON number (or its digits), if the dialect has numeric ids; the same number each time."""
    if not isinstance(identifier, str) or not dialect.has("numeric_ids"):
        return identifier
    digits = digits_of(identifier)
    if not digits:
        return identifier
    return int(digits) if dialect.uses("numeric_ids") else digits


def digits_of(identifier: str) -> str:
    """The digits of an id as a number: of JF-2026-000101, 2026000101."""
    return "".join(re.findall(r"[0-9]+", identifier)).lstrip("0")


def _write_package(dialect: Dialect, row: dict[str, Any]) -> dict[str, Any]:
    message = {**row, "assessment_type_id": as_number(dialect, row["assessment_type_id"]), **_extra(dialect)}
    if dialect.uses("latin1"):
        message["description"] = f"{row['description']} (vérifié à Zürich)"
    return message


def _write_parts(dialect: Dialect, message: dict[str, Any]) -> None:
    for name in _PARTS:
        if name in message:
            message[name] = _write_part(dialect, name, message[name])
        elif dialect.uses("empty_parts"):
            _replace(message, name, dialect.pick(_EMPTY_PARTS))
    if dialect.uses("empty_parts"):
        _replace(message, "metadata", dialect.pick(_EMPTY_METADATA))


def _write_part(dialect: Dialect, name: str, part: dict[str, Any]) -> Any:
    value = part["value"]
    if name in ("assessment_status", "assessment_result") and dialect.uses("shouting"):
        value = _vary_spelling(dialect, value)
    if dialect.uses("bare_values"):
        return value
    message = {**part, "value": value}
    if dialect.uses("empty_parts"):
        message |= dialect.pick(
            ({"label": 3}, {"description": {}}, {"identifier": None}, {"type": ["string"]})
        )
    if dialect.uses("latin1"):
        message.setdefault("description", "geprüft in Zürich")
    return {**message, **_extra(dialect)}


def _vary_spelling(dialect: Dialect, text: str) -> str:
    spellings = (text.upper(), text.lower(), f"  {text} ", f"{text}.", re.sub(r"[\s:]+", "_", text).upper())
    return dialect.pick((*spellings, re.sub(r"[\s:]+", " - ", text), text.replace(" ", "  ")))


def _write_time(dialect: Dialect, milliseconds: int) -> Any:
    forms = [name for name in _TIMES if dialect.has(name)]
    form = dialect.pick(forms) if forms else ""
    if not form or not dialect.uses(form):
        return milliseconds
    match form:
        case "text_times":
            return dialect.pick((f"{milliseconds}", f" {milliseconds} "))
        case "float_times":
            return float(milliseconds)
        case "second_times":
            return milliseconds // 1000
        case "iso_times":
            return _iso(dialect, milliseconds)
    return dialect.pick(_UNREADABLE_TIMES)


def _iso(dialect: Dialect, milliseconds: int) -> str:
    zone = dialect.pick((UTC, timezone(timedelta(hours=2)), timezone(-timedelta(hours=5, minutes=30))))
    when = datetime.fromtimestamp(milliseconds / 1000, zone)
    text = when.isoformat(timespec=dialect.pick(("milliseconds", "microseconds", "seconds")))
    return text.replace("+00:00", dialect.pick(("Z", "z", "+00:00", "+0000")))


def _write_reference(dialect: Dialect, reference: str, *, is_answer: bool) -> Any:
    if is_answer and dialect.uses("no_references"):
        return dialect.pick((None, _NOTHING, ""))
    if dialect.uses("capital_references"):
        return dialect.pick((reference.upper(), f"{{{reference.upper()}}}", f" {reference} "))
    return reference


def _extra(dialect: Dialect) -> dict[str, Any]:
    return dict(_EXTRA) if dialect.uses("extra_fields") else {}


def _replace(message: dict[str, Any], name: str, value: Any) -> None:
    message[name] = value
    if value is _NOTHING:
        del message[name]
