"""Failure switches: ways in which a partner fails on demand."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any

PARTNERS = ("ashby", "justifacts")

#: The explanation of each mode, for the /failures page.
MODES: dict[str, str] = {
    "refuse": "Answers 400 (or 422) with a message and does nothing.",
    "status": "Answers with any HTTP status you choose.",
    "429": "Too many requests, with Retry-After.",
    "500": "Internal error; nothing was done.",
    "503": "Service unavailable, with Retry-After if seconds are given.",
    "hang": "Accepts the call, sends nothing for a while, then closes the connection.",
    "cut_before": "Resets the connection before doing anything.",
    "cut_after": "Carries out the call, then resets the connection without an answer.",
    "garbage": "Answers 200 with an HTML page instead of JSON.",
    "success_false": "Answers 200 with success: false and an error code.",
    "wrong_key": "Answers 403 (or 401) as if the key were wrong.",
    "slow": "Waits for a while, then works as usual.",
    "redirect": "Answers 307 with another location.",
    "huge": "Answers 200 with more than one megabyte.",
    "malformed": "Answers 200 with JSON of a wrong shape.",
    "warnings": "Works as usual and adds warnings to the answer.",
}


class BadFailure(ValueError):
    """The switch is invalid. The message says what to correct."""


@dataclass
class Failure:
    """One switch. It is removed after ``count`` calls. ``after``: the call is carried out before it fails."""

    id: int
    side: str
    mode: str
    org: str | None = None
    call: str | None = None
    count: int | None = None
    seconds: float | None = None
    status: int | None = None
    code: str | None = None
    message: str | None = None
    scope: str | None = None
    location: str | None = None
    after: bool = False
    hits: int = 0

    def applies_to(self, side: str, org: str | None, call: str) -> bool:
        """Whether the switch makes this call fail."""
        return self.side == side and self.org in (None, org) and self.call in (None, call)


class Failures:
    """The switches that are on. They are not stored: after a restart all are off."""

    def __init__(self) -> None:
        self.active: list[Failure] = []
        self._ids = itertools.count(1)

    def switch_on(self, body: dict[str, Any]) -> Failure:
        """Add a switch, given as the JSON of `POST /control/failures`. Raises ``BadFailure``."""
        failure = Failure(id=next(self._ids), **_checked(body))
        self.active.append(failure)
        return failure

    def take(self, side: str, org: str | None, call: str) -> Failure | None:
        """The first switch that applies to this call, or ``None``; counts the call."""
        for failure in self.active:
            if failure.applies_to(side, org, call):
                failure.hits += 1
                if failure.count is not None:
                    failure.count -= 1
                    if failure.count <= 0:
                        self.active.remove(failure)
                return failure
        return None

    def clear(self, side: str | None = None, identifier: int | None = None) -> None:
        """Switch off all switches, those of one partner, or one."""
        self.active = [
            failure
            for failure in self.active
            if (side is not None and failure.side != side)
            or (identifier is not None and failure.id != identifier)
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """The switches that are on, as the control API returns them."""
        return [asdict(failure) for failure in self.active]


_FIELDS: dict[str, tuple[type, ...]] = {
    "org": (str,),
    "call": (str,),
    "count": (int,),
    "seconds": (int, float),
    "status": (int,),
    "code": (str,),
    "message": (str,),
    "scope": (str,),
    "location": (str,),
    "after": (bool,),
}


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of a switch. Raises ``BadFailure``."""
    given = {name: value for name, value in body.items() if value is not None}
    side, mode = given.pop("side", None), str(given.pop("mode", ""))
    if side not in PARTNERS:
        raise BadFailure(f"side: one of {', '.join(PARTNERS)}")
    if mode not in MODES:
        raise BadFailure(f"mode: one of {', '.join(MODES)}")
    for name, value in given.items():
        if name not in _FIELDS:
            raise BadFailure(f"{name}: unknown field")
        if not isinstance(value, _FIELDS[name]) or (isinstance(value, bool) and name != "after"):
            raise BadFailure(f"{name}: wrong type")
    if "count" in given and given["count"] < 1:
        raise BadFailure("count: 1 or more is required")
    if mode == "status" and not 200 <= given.get("status", 0) <= 599:
        raise BadFailure("status: a number from 200 to 599 is required for mode status")
    return {"side": side, "mode": mode, **given}
