"""The health of the endpoints of many organizations, for the dashboard."""

from datetime import datetime
from typing import NamedTuple

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from integrations.models import Organization

_PAUSED = Q(connection__paused_at__isnull=False)
_PROBLEM = _PAUSED | (
    Q(connection__isnull=False) & (~Q(connection__ashby_problem="") | ~Q(connection__justifacts_problem=""))
)


class Health(NamedTuple):
    """The state of one organization's connection."""

    pk: int
    name: str
    has_problem: bool
    is_connected: bool
    # The columns of the connection. All are None without one.
    is_enabled: bool | None
    paused_at: datetime | None
    pause_reason: str
    ashby_problem: str
    ashby_problem_since: datetime | None
    justifacts_problem: str
    justifacts_problem_since: datetime | None
    last_inbound_call_at: datetime | None
    ashby_last_success_at: datetime | None
    justifacts_answered_at: datetime | None


def health(organizations: QuerySet[Organization], most: int) -> list[Health]:
    """Return at most ``most`` organizations: paused ones first, then those with a problem, then the rest by
    name."""
    rank = Case(
        When(_PAUSED, then=0), When(_PROBLEM, then=1), When(connection=None, then=2), default=Value(3)
    )
    problem = Case(When(_PROBLEM, then=True), default=Value(False), output_field=BooleanField())
    connected = Case(When(connection=None, then=False), default=Value(True), output_field=BooleanField())
    rows = organizations.annotate(rank=rank, has_problem=problem, is_connected=connected)
    own, columns = Health._fields[:4], [f"connection__{name}" for name in Health._fields[4:]]
    values = rows.order_by("rank", "name").values_list(*own, *columns)
    return [Health(*row) for row in values[:most]]


def with_problems(organizations: QuerySet[Organization]) -> int:
    """Return how many of the organizations are paused or have a problem."""
    return organizations.filter(_PROBLEM).count()
