"""Ashby's messages in its dialect: what `assessment.start`, `assessment.cancel` and `job.list` carry. Pure,
but for the dialect's own draws. An id keeps its identity: one id is always the same number."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.dialects.kinds import Dialect

_LONGEST_NUMBER = 10**15
_EMPTY_TEAMS: tuple[Any, ...] = ("", None, [], {}, [None], "none")
_EMPTY_FIELDS: tuple[Any, ...] = ([], "", None, {}, [None])
_STATUSES: tuple[Any, ...] = (
    *("Active – on hold", "", None, 3, []),
    {"id": "st-1", "title": "Active"},
)
#: What surrounds a name that somebody pasted: a tab, line ends, no-break space, no width, writing directions.
_AROUND = ("\t", "\r\n", "\n", " ", "\u00a0", "\u200b", "\u200f", "\u202a", "\ufeff", "\u2028")


def say_start(dialect: Dialect, body: dict[str, Any]) -> dict[str, Any]:
    """A start as this Ashby writes it."""
    candidate, application, job = dict(body["candidate"]), dict(body["application"]), dict(body["job"])
    for part in (candidate, application, job):
        if "ashby_id" in part:
            part["ashby_id"] = as_number(dialect, part["ashby_id"])
    if dialect.uses("dirty_names"):
        for name in ("first_name", "last_name", "email"):
            candidate[name] = _dirty(dialect, str(candidate[name]), has_words=name != "email")
    if dialect.uses("empty_containers"):
        job["hiringTeam"] = dialect.pick(_EMPTY_TEAMS)
    if dialect.uses("odd_statuses"):
        application["status"] = dialect.pick(_STATUSES)
    if dialect.uses("long_job_names"):
        job["name"] = f"{job['name']}, " * (3000 // (len(job["name"]) + 2) + 1)
    said = {**body, "candidate": candidate, "application": application, "job": job}
    said["assessment_type_id"] = capital(dialect, body["assessment_type_id"])
    if dialect.uses("empty_containers") and not body.get("additional_fields"):
        said["additional_fields"] = dialect.pick(_EMPTY_FIELDS)
    return said


def capital(dialect: Dialect, identifier: str) -> str:
    """One of the portal's own ids, as this Ashby repeats it."""
    return identifier.upper() if dialect.uses("capital_ids") else identifier


def as_number(dialect: Dialect, identifier: str) -> Any:
    """One of Ashby's ids as a JSON number (or its digits as text), where the dialect has such ids."""
    if not dialect.has("numeric_ids"):
        return identifier
    try:
        number = uuid.UUID(identifier).int % _LONGEST_NUMBER
    except ValueError:
        return identifier
    return number if dialect.uses("numeric_ids") else str(number)


def say(dialect: Dialect, payload: Any) -> Any:
    """An answer of Ashby's API: jobs under their numbers, warnings."""
    if not isinstance(payload, dict) or payload.get("success") is not True:
        return payload
    said = dict(payload)
    if isinstance(said.get("results"), list):
        said["results"] = [{**row, "id": as_number(dialect, row["id"])} for row in said["results"]]
    if dialect.uses("warnings"):
        said["warnings"] = ["This field will be removed in version 2."]
    return said


def _dirty(dialect: Dialect, text: str, *, has_words: bool) -> str:
    """The same text for a reader, with what a paste brings along."""
    if has_words:
        text = text.replace(" ", dialect.pick((" ", "  ", "\u00a0", "\t", " \u200b")))
    return f"{dialect.pick(_AROUND)}{text}{dialect.pick(_AROUND)}{dialect.pick(_AROUND)}"
