"""Whether a start was refused while one web host and the database lived. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from math import inf

#: The name under which an outage of the database is recorded.
DATABASE = "database"
#: A host counts as failing for so long after its outage: the load balancer has to notice that it is back.
_AFTERWARDS_SECONDS = 5.0


@dataclass(frozen=True)
class Attempt:
    """A start at the load balancer, in seconds since 1970. ``hosts``: the web hosts that it was sent to, in
    order. ``status``: 499 if Ashby gave up waiting."""

    began: float
    ended: float
    status: int
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Outage:
    """A web host or the database did not work, in seconds since 1970."""

    what: str
    kind: str
    began: float
    ended: float

    def overlaps(self, attempt: Attempt) -> bool:
        return self.began <= attempt.ended and attempt.began <= self.ended + _AFTERWARDS_SECONDS


@dataclass(frozen=True)
class Refused:
    """``unexcused``: refused while a web host and the database lived. ``cut_off``: sent to a host that failed
    while it had the start, which a load balancer must not repeat. ``nowhere``: while the database or every
    web host failed. ``slow``: after longer than the machine is given."""

    unexcused: list[Attempt]
    cut_off: list[Attempt]
    nowhere: list[Attempt]
    slow: list[Attempt]


def refused_starts(
    attempts: Collection[Attempt],
    outages: Collection[Outage],
    web_hosts: Collection[str],
    patience: float = inf,
) -> Refused:
    """The starts that Ashby got no useful answer to. ``patience``: a start that is refused after so many
    seconds is blamed on a slow machine."""
    refused = Refused([], [], [], [])
    for attempt in attempts:
        if attempt.status < 499:
            continue
        failing = {outage.what for outage in outages if outage.overlaps(attempt)}
        if DATABASE in failing or failing >= set(web_hosts):
            refused.nowhere.append(attempt)
        elif failing.intersection(attempt.hosts):
            refused.cut_off.append(attempt)
        elif attempt.ended - attempt.began >= patience:
            refused.slow.append(attempt)
        else:
            refused.unexcused.append(attempt)
    return refused
