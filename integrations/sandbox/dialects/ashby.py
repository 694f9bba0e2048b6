"""Ashby's messages in a dialect: the bodies of its calls and answers. An id always becomes the same number.
Pure, except for the dialect's draws."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.dialects.dialect import Dialect

_NUMBERS = 10**15
_EMPTY_TEAMS: tuple[Any, ...] = ("", None, [], {}, [None], "none")
_EMPTY_FIELDS: tuple[Any, ...] = ([], "", None, {}, [None])
_STATUSES: tuple[Any, ...] = (
    *("Active – on hold", "", None, 3, []),
    {"id": "st-1", "title": "Active"},
)
#: Characters around a pasted name: tab, line ends, no-break space, zero width, writing directions.
_AROUND = ("\t", "\r\n", "\n", " ", "\u00a0", "\u200b", "\u200f", "\u202a", "\ufeff", "\u2028")


def write_start(dialect: Dialect, body: dict[str, Any]) -> dict[str, Any]:
    """The body of a start."""
    candidate, application, job = dict(body["candidate"]), dict(body["application"]), dict(body["job"])
    for part in (candidate, application, job):
        if "ashby_id" in part:
            part["ashby_id"] = as_number(dialect, part["ashby_id"])
    if dialect.uses("dirty_names"):
        for name in ("first_name", "last_name", "email"):
            candidate[name] = _dirty(dialect, str(candidate[name]), has_spaces=name != "email")
    if dialect.uses("empty_containers"):
        job["hiringTeam"] = dialect.pick(_EMPTY_TEAMS)
    if dialect.uses("odd_statuses"):
        application["status"] = dialect.pick(_STATUSES)
    if dialect.uses("long_job_names"):
        job["name"] = f"{job['name']}, " * (3000 // (len(job["name"]) + 2) + 1)
    message = {**body, "candidate": candidate, "application": application, "job": job}
    message["assessment_type_id"] = capitalized(dialect, body["assessment_type_id"])
    if dialect.uses("empty_containers") and not body.get("additional_fields"):
        message["additional_fields"] = dialect.pick(_EMPTY_FIELDS)
    return message


def capitalized(dialect: Dialect, identifier: str) -> str:
    """An id of the portal, in capitals if the dialect writes it so."""
    return identifier.upper() if dialect.uses("capital_ids") else identifier


def as_number(dialect: Dialect, identifier: str) -> Any:
    """An id of Ashby as a JSON number (or its digits), if the dialect has numeric ids."""
    if not dialect.has("numeric_ids"):
        return identifier
    try:
        number = uuid.UUID(identifier).int % _NUMBERS
    except ValueError:
        return identifier
    return number if dialect.uses("numeric_ids") else str(number)


def write_answer(dialect: Dialect, payload: Any) -> Any:
    """A payload of an answer of Ashby's API."""
    if not isinstance(payload, dict) or payload.get("success") is not True:
        return payload
    message = dict(payload)
    if isinstance(message.get("results"), list):
        message["results"] = [{**row, "id": as_number(dialect, row["id"])} for row in message["results"]]
    if dialect.uses("warnings"):
        message["warnings"] = ["This field will be removed in version 2."]
    return message


def _dirty(dialect: Dialect, text: str, *, has_spaces: bool) -> str:
    """The text with white space and invisible characters, as from a paste; it reads the same."""
    if has_spaces:
        text = text.replace(" ", dialect.pick((" ", "  ", "\u00a0", "\t", " \u200b")))
    return f"{dialect.pick(_AROUND)}{text}{dialect.pick(_AROUND)}{dialect.pick(_AROUND)}"
