"""The two endpoints of a connection, Ashby and Justifacts, as typed views of the columns of ``Connection``.

Each column name is written out in full, so that a search for one finds every use.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from integrations.models import Connection


@dataclass(frozen=True)
class Columns:
    """The names of the columns of one endpoint, for queries and updates."""

    failures: str
    blocked_until: str
    problem: str
    problem_since: str
    last_success_at: str


@dataclass(frozen=True)
class State:
    """The values of the columns of one endpoint."""

    failures: int
    blocked_until: datetime | None
    problem: str
    problem_since: datetime | None
    last_success_at: datetime | None


class Endpoint(Enum):
    """One of the two servers that a connection calls. ``label`` is its name in texts."""

    label: str
    columns: Columns

    def __init__(self, label: str, columns: Columns) -> None:
        self.label, self.columns = label, columns

    ASHBY = (
        "Ashby",
        Columns(
            failures="ashby_failures",
            blocked_until="ashby_blocked_until",
            problem="ashby_problem",
            problem_since="ashby_problem_since",
            last_success_at="ashby_last_success_at",
        ),
    )
    JUSTIFACTS = (
        "Justifacts",
        Columns(
            failures="justifacts_failures",
            blocked_until="justifacts_blocked_until",
            problem="justifacts_problem",
            problem_since="justifacts_problem_since",
            last_success_at="justifacts_answered_at",
        ),
    )

    def state(self, connection: Connection) -> State:
        """Return the endpoint's state, according to this copy of the row."""
        if self is Endpoint.ASHBY:
            return State(
                connection.ashby_failures,
                connection.ashby_blocked_until,
                connection.ashby_problem,
                connection.ashby_problem_since,
                connection.ashby_last_success_at,
            )
        return State(
            connection.justifacts_failures,
            connection.justifacts_blocked_until,
            connection.justifacts_problem,
            connection.justifacts_problem_since,
            connection.justifacts_answered_at,
        )
