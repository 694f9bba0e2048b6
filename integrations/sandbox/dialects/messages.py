"""Justifacts' messages in its dialect: how updates, answers and package lists are written. Pure, but for the
dialect's own draws. Each message keeps its meaning; only its form changes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from integrations.sandbox.dialects.kinds import Dialect

_PARTS = ("assessment_status", "assessment_result", "assessment_profile_url", "cancelled_reason")
_TIMES = ("text_times", "iso_times", "float_times", "second_times", "no_times")
_NOTHING: Any = object()
#: Ways to say that a part is absent.
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


def say(dialect: Dialect, payload: Any) -> Any:
    """An answer of Justifacts in its dialect."""
    if not isinstance(payload, dict) or payload.get("success") is not True:
        return payload
    results = payload.get("results")
    if isinstance(results, dict):
        results = say_update(dialect, results, is_answer=True)
    elif isinstance(results, list):
        results = [_say_package(dialect, row) for row in results]
    return {**payload, "results": results, **_extra(dialect)}


def say_update(dialect: Dialect, update: dict[str, Any], *, is_answer: bool) -> dict[str, Any]:
    """An update, a bare order number, or what a start is answered with."""
    said = dict(update)
    said["assessment_id"] = as_number(dialect, said.get("assessment_id"))
    if any(part in said for part in _PARTS):
        _say_parts(dialect, said)
    if "timestamp" in said:
        _replace(said, "timestamp", _say_time(dialect, said["timestamp"]))
    if "reference_id" in said:
        _replace(said, "reference_id", _say_reference(dialect, said["reference_id"], is_answer=is_answer))
    return {**said, **_extra(dialect)}


def as_number(dialect: Dialect, identifier: Any) -> Any:
    """An id as a JSON number, where the dialect has such ids; always the same number."""
    if not isinstance(identifier, str) or not dialect.has("numeric_ids"):
        return identifier
    digits = digits_of(identifier)
    if not digits:
        return identifier
    return int(digits) if dialect.uses("numeric_ids") else digits


def digits_of(identifier: str) -> str:
    """The number in an id: JF-2026-000101 is 2026000101."""
    return "".join(re.findall(r"[0-9]+", identifier)).lstrip("0")


def _say_package(dialect: Dialect, row: dict[str, Any]) -> dict[str, Any]:
    said = {**row, "assessment_type_id": as_number(dialect, row["assessment_type_id"]), **_extra(dialect)}
    if dialect.uses("latin1"):
        said["description"] = f"{row['description']} (vérifié à Zürich)"
    return said


def _say_parts(dialect: Dialect, said: dict[str, Any]) -> None:
    for name in _PARTS:
        if name in said:
            said[name] = _say_part(dialect, name, said[name])
        elif dialect.uses("empty_parts"):
            _replace(said, name, dialect.pick(_EMPTY_PARTS))
    if dialect.uses("empty_parts"):
        _replace(said, "metadata", dialect.pick(_EMPTY_METADATA))


def _say_part(dialect: Dialect, name: str, part: dict[str, Any]) -> Any:
    value = part["value"]
    if name in ("assessment_status", "assessment_result") and dialect.uses("shouting"):
        value = _shout(dialect, value)
    if dialect.uses("bare_values"):
        return value
    said = {**part, "value": value}
    if dialect.uses("empty_parts"):
        said |= dialect.pick(({"label": 3}, {"description": {}}, {"identifier": None}, {"type": ["string"]}))
    if dialect.uses("latin1"):
        said.setdefault("description", "geprüft in Zürich")
    return {**said, **_extra(dialect)}


def _shout(dialect: Dialect, word: str) -> str:
    ways = (word.upper(), word.lower(), f"  {word} ", f"{word}.", re.sub(r"[\s:]+", "_", word).upper())
    return dialect.pick((*ways, re.sub(r"[\s:]+", " - ", word), word.replace(" ", "  ")))


def _say_time(dialect: Dialect, milliseconds: int) -> Any:
    spoken = [name for name in _TIMES if dialect.has(name)]
    way = dialect.pick(spoken) if spoken else ""
    if not way or not dialect.uses(way):
        return milliseconds
    match way:
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


def _say_reference(dialect: Dialect, reference: str, *, is_answer: bool) -> Any:
    if is_answer and dialect.uses("no_references"):
        return dialect.pick((None, _NOTHING, ""))
    if dialect.uses("capital_references"):
        return dialect.pick((reference.upper(), f"{{{reference.upper()}}}", f" {reference} "))
    return reference


def _extra(dialect: Dialect) -> dict[str, Any]:
    return dict(_EXTRA) if dialect.uses("extra_fields") else {}


def _replace(said: dict[str, Any], name: str, value: Any) -> None:
    said[name] = value
    if value is _NOTHING:
        del said[name]
