"""The health of the endpoints of many organizations, for the dashboard."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from integrations.models import Organization

_PAUSED = Q(connection__paused_at__isnull=False)
_PROBLEM = _PAUSED | (
    Q(connection__isnull=False) & (~Q(connection__ashby_problem="") | ~Q(connection__justifacts_problem=""))
)


@dataclass(frozen=True)
class Health:
    """The state of one organization's connection."""

    pk: int
    name: str
    is_connected: bool
    is_enabled: bool
    has_problem: bool
    paused_at: datetime | None
    pause_reason: str
    ashby_problem: str
    ashby_problem_since: datetime | None
    justifacts_problem: str
    justifacts_problem_since: datetime | None
    last_inbound_call_at: datetime | None
    ashby_last_success_at: datetime | None
    justifacts_answered_at: datetime | None


_COLUMNS = [
    *("paused_at", "pause_reason", "ashby_problem", "ashby_problem_since", "justifacts_problem"),
    *("justifacts_problem_since", "last_inbound_call_at", "ashby_last_success_at", "justifacts_answered_at"),
]


def health(organizations: QuerySet[Organization], most: int) -> list[Health]:
    """Return at most ``most`` organizations: paused ones first, then those with a problem, then the rest by
    name."""
    rank = Case(
        When(_PAUSED, then=0), When(_PROBLEM, then=1), When(connection=None, then=2), default=Value(3)
    )
    problem = Case(When(_PROBLEM, then=True), default=Value(False), output_field=BooleanField())
    rows = organizations.annotate(rank=rank, has_problem=problem).order_by("rank", "name")
    columns = [f"connection__{name}" for name in _COLUMNS]
    values = rows.values("pk", "name", "connection", "connection__is_enabled", "has_problem", *columns)
    return [
        Health(
            pk=row["pk"],
            name=row["name"],
            is_connected=row["connection"] is not None,
            is_enabled=bool(row["connection__is_enabled"]),
            has_problem=row["has_problem"],
            **{name: row[f"connection__{name}"] for name in _COLUMNS},
        )
        for row in values[:most]
    ]


def with_problems(organizations: QuerySet[Organization]) -> int:
    """Return how many of the organizations are paused or have a problem."""
    return organizations.filter(_PROBLEM).count()
