"""The two endpoints of a connection, Ashby and Justifacts, as typed views of the columns of ``Connection``.

Each column name is written out in full, so that a search for one finds every use.
"""

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from integrations.models import Connection


class Columns(NamedTuple):
    """The names of the columns of one endpoint, for queries and updates."""

    failures: str
    blocked_until: str
    problem: str
    problem_since: str
    last_success_at: str


class State(NamedTuple):
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
        return State(*(getattr(connection, name) for name in self.columns))
