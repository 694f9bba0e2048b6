"""The sandbox's data, as it is stored and as the control API returns it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import Any


def now_ms() -> int:
    """The time in milliseconds since the epoch, as in the messages."""
    return time.time_ns() // 1_000_000


@dataclass
class AshbyKey:
    """An API key of the stand-in Ashby. It is never stored."""

    key: str = field(repr=False)
    title: str
    scopes: list[str]
    active: bool = True
    created_at: float = field(default_factory=time.time)


@dataclass
class Job:
    """A job in Ashby."""

    id: str
    name: str
    department: str
    req_id: str | None
    status: str
    hiring_team: list[dict[str, str]]


@dataclass
class Application:
    """A candidate's application for a job; `candidate` has the shape of the start's body."""

    id: str
    org: str
    job_id: str
    status: str
    candidate: dict[str, Any]

    @property
    def name(self) -> str:
        """The candidate's full name."""
        return f"{self.candidate.get('first_name', '')} {self.candidate.get('last_name', '')}".strip()


@dataclass
class Package:
    """A kind of check that Justifacts sells to an organization."""

    id: str
    name: str
    description: str
    active: bool = True


@dataclass
class Assessment:
    """An assessment in Ashby: the accepted updates in order, and their sum."""

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
    def accepted_updates(self) -> int:
        """The number of updates that came by `assessment.update`; the one in the answer to the start is not
        counted."""
        return sum(1 for update in self.updates if update["source"] == "update")


@dataclass
class Order:
    """An order at Justifacts."""

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
    # Set by a dialect: a second number, a status that is sent instead of the real one, changes to come.
    reissued_as: str = ""
    sent_status: str = ""
    scheduled_changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether the order is complete or cancelled."""
        return self.completed_at is not None or self.cancelled_reason is not None

    @property
    def number(self) -> str:
        """The number that Justifacts uses in its messages now."""
        return self.reissued_as or self.id

    @property
    def candidate_name(self) -> str:
        """The candidate's full name."""
        person = self.body.get("candidate", {})
        return f"{person.get('first_name', '')} {person.get('last_name', '')}".strip()


@dataclass
class Ledger:
    """Counts of an organization's rejected and repeated updates; the rest of the ledger is derived."""

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
    """An organization's settings. They are not stored: each process begins with the defaults."""

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
    """The setting does not exist or the value has the wrong type."""


def change_settings(settings: Settings, changes: dict[str, Any]) -> None:
    """Apply the fields of `POST /control/settings`. Raises ``BadSetting``; then nothing has changed."""
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
    """An organization: its keys at both partners, its data and its settings."""

    slug: str
    name: str
    verification_key: str = field(default="", repr=False)
    # The key that Justifacts has e-mailed; Justifacts accepts it before it is pasted into Ashby.
    mailed_key: str = field(default="", repr=False)
    ashby_keys: list[AshbyKey] = field(default_factory=list)
    portal_url: str = "http://localhost:8000/ashby/"
    push_url: str | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: What pages show once: by application id, or the name of a page.
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    seeded: tuple[int | None, int | None] = (None, None)
    assessment_ids: list[str] = field(default_factory=list)
    order_ids: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> list[str]:
        """All keys of this organization, to be removed from records."""
        return [self.verification_key, self.mailed_key, *(key.key for key in self.ashby_keys)]

    @property
    def push_target(self) -> str:
        """The URL to which Justifacts pushes: the portal's root and /justifacts/assessment.update."""
        if self.push_url:
            return self.push_url
        root = self.portal_url.rstrip("/").removesuffix("/ashby")
        return f"{root}/justifacts/assessment.update"
