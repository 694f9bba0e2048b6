"""The two endpoints of a connection, Ashby and Justifacts, as typed views of the columns of ``Connection``.

Each column name is written out in full, so that a search for one finds every use.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from integrations.models import Connection


@dataclass(frozen=True)
class Columns:
    """Where ``Connection`` keeps one endpoint's state: column names, for queries and updates."""

    failures: str
    blocked_until: str
    problem: str
    problem_since: str
    last_success_at: str


@dataclass(frozen=True)
class State:
    """One endpoint's state, read from a connection."""

    failures: int
    blocked_until: datetime | None
    problem: str
    problem_since: datetime | None
    last_success_at: datetime | None


class Endpoint(Enum):
    """A service that the portal calls for an organization. ``label`` is the name that people read."""

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
        """The endpoint's state, by this reading of the connection."""
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
