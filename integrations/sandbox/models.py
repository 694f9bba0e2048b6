"""What the sandbox knows: plain data, as it is kept and as the control API shows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import Any


def now_ms() -> int:
    """The time as the wire wants it: milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass
class AshbyKey:
    """One API key of an org in the stand-in Ashby. Lives in memory only."""

    key: str = field(repr=False)
    title: str
    scopes: list[str]
    active: bool = True
    created_at: float = field(default_factory=time.time)


@dataclass
class Job:
    """A job of an org."""

    id: str
    name: str
    department: str
    req_id: str | None
    status: str
    hiring_team: list[dict[str, str]]


@dataclass
class Application:
    """A candidate's application on a job; `candidate` has the shape of the start call."""

    id: str
    org: str
    job_id: str
    status: str
    candidate: dict[str, Any]

    @property
    def name(self) -> str:
        """The candidate's name as people read it."""
        return f"{self.candidate.get('first_name', '')} {self.candidate.get('last_name', '')}".strip()


@dataclass
class Package:
    """A kind of check that Justifacts sells to an org."""

    id: str
    name: str
    description: str
    active: bool = True


@dataclass
class Assessment:
    """What Ashby knows of one assessment: the ordered story and what it amounts to."""

    id: str
    org: str
    application_id: str
    type_id: str
    type_name: str
    created_at: float
    updates: list[dict[str, Any]] = field(default_factory=list)
    status: str | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    started_at: int | None = None
    completed_at: int | None = None
    cancelled_at: int | None = None
    result: Any = None
    report_url: str | None = None
    metadata: list[dict[str, Any]] = field(default_factory=list)
    cancelled_reason: Any = None
    cancel_requested_at: float | None = None
    last_timestamp: int = 0
    repeats: int = 0

    @property
    def taken(self) -> int:
        """Updates that came by `assessment.update` (not the one in the start answer)."""
        return sum(1 for update in self.updates if update["source"] == "update")


@dataclass
class Order:
    """What Justifacts knows of one order."""

    id: str
    org: str
    reference_id: str
    package_id: str
    body: dict[str, Any]
    idempotency_key: str
    created_at: float
    status: str = "Justifacts Received"
    result: str | None = None
    report_url: str | None = None
    cancelled_reason: str | None = None
    cancel_requested_at: float | None = None
    completed_at: float | None = None
    changed_at: float = 0.0
    timestamp: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    start_calls: int = 1
    # What a dialect makes of it: another number, another word than the status, changes that come later.
    reissued_as: str = ""
    word: str = ""
    surprises: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Complete or cancelled: nothing moves by itself any more."""
        return self.completed_at is not None or self.cancelled_reason is not None

    @property
    def number(self) -> str:
        """The number under which Justifacts speaks of the order now."""
        return self.reissued_as or self.id

    @property
    def candidate_name(self) -> str:
        """The candidate's name as people read it."""
        person = self.body.get("candidate", {})
        return f"{person.get('first_name', '')} {person.get('last_name', '')}".strip()


@dataclass
class Ledger:
    """What went wrong with an org's updates, counted (the rest of the ledger is derived)."""

    org: str
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    not_found: int = 0
    repeats: int = 0
    out_of_order: int = 0
    updates_after_end: int = 0
    bad_answers: int = 0


@dataclass
class Settings:
    """An org's switches. In memory only: each start begins with the flags' defaults."""

    push: bool = True
    push_on_start: bool = True
    status_call: bool = True
    automatic: bool = False
    step_seconds: float = 4.0
    honor_idempotency: bool = False
    record_calls: bool = True
    rate_limit_per_minute: int = 0
    missing_scope_status: int = 403
    job_page_size: int = 3
    push_retry_seconds: list[float] = field(default_factory=lambda: [0.5, 1.0, 3.0, 8.0])


class BadSetting(ValueError):
    """A setting that does not exist or has the wrong type."""


def change_settings(settings: Settings, changes: dict[str, Any]) -> None:
    """Apply the fields of `POST /control/settings`; nothing changes if one of them is wrong."""
    known = {item.name: type(getattr(settings, item.name)) for item in fields(Settings)}
    for name, value in changes.items():
        if name not in known:
            raise BadSetting(f"{name}: unknown setting; known are {', '.join(known)}")
        wanted = known[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = is_number if wanted is float else type(value) is wanted
        if not fits:
            raise BadSetting(f"{name}: {wanted.__name__} required")
    for name, value in changes.items():
        setattr(settings, name, float(value) if known[name] is float else value)


@dataclass
class Org:
    """One employer: its two halves of secrets, its seed data, its switches."""

    slug: str
    name: str
    verification_key: str = field(default="", repr=False)
    # What Justifacts has e-mailed to the customer, and takes before anybody has pasted it into Ashby.
    mailed_key: str = field(default="", repr=False)
    ashby_keys: list[AshbyKey] = field(default_factory=list)
    portal_url: str = "http://localhost:8000/ashby/"
    push_url: str | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    seeded: tuple[int | None, int | None] = (None, None)
    assessment_ids: list[str] = field(default_factory=list)
    order_ids: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> list[str]:
        """Every key of this org, to keep them out of records."""
        return [self.verification_key, self.mailed_key, *(key.key for key in self.ashby_keys)]

    @property
    def push_address(self) -> str:
        """Where Justifacts pushes: the portal's root plus /justifacts/assessment.update."""
        if self.push_url:
            return self.push_url
        root = self.portal_url.rstrip("/").removesuffix("/ashby")
        return f"{root}/justifacts/assessment.update"
