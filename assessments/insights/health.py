"""The health of the portal's processes, and the figures for monitoring."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import Count, Min, OuterRef, Q, Subquery

from assessments.models import AshbyUpdate, Heartbeat, Order, ProcessHeartbeat
from assessments.statuses import Status
from integrations import host_clock
from integrations.connections.circuit_breaker import healthy
from integrations.connections.endpoints import Endpoint
from integrations.models import Connection

#: Sweeps run every 2 s. A process without a heartbeat for this long is not running.
HEARTBEAT_LATE = timedelta(seconds=30)
#: Work that is overdue for this long means that no worker keeps up.
WORK_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Part:
    ok: bool
    detail: str


def _heartbeat(name: str, now: datetime) -> Part:
    """Whether the process, ``worker`` or ``scheduler``, was seen lately."""
    last = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    if last is None:
        return Part(False, "never seen; start it")
    seconds = round((now - last).total_seconds())
    return Part(now - last < HEARTBEAT_LATE, f"last seen {seconds} s ago")


@dataclass(frozen=True)
class Process:
    """One worker or scheduler process. ``seconds``: since it was last seen. ``clock_offset``: by how many
    seconds its host's clock is ahead of the database's."""

    kind: str
    host: str
    pid: int
    version: str
    last_seen: datetime
    seconds: int
    ok: bool
    clock_offset: float


def processes(now: datetime) -> list[Process]:
    """Every worker and scheduler process that runs, and every one that died within the last hour."""
    rows = ProcessHeartbeat.objects.filter(at__gte=now - ProcessHeartbeat.REPORTED)
    return [
        Process(
            row.kind,
            row.host,
            row.pid,
            row.version,
            row.at,
            round((now - row.at).total_seconds()),
            ok=now - row.at < ProcessHeartbeat.LATE,
            clock_offset=round(row.clock_offset, 1),
        )
        for row in rows.order_by("kind", "host", "pid")
    ]


def processes_part(kind: str, found: list[Process], now: datetime) -> Part:
    """Whether every process of this kind runs."""
    own = [process for process in found if process.kind == kind]
    dead = [process for process in own if not process.ok]
    if not dead:
        return _heartbeat(kind, now)
    names = ", ".join(f"{each.host} (pid {each.pid}, last seen {each.seconds} s ago)" for each in dead)
    return Part(False, f"{len(dead)} of {len(own)} do not run: {names}")


def clocks_part(own_offset: float, found: list[Process]) -> Part:
    """Whether the clocks of this host, and of those with a process that runs, agree with the database's."""
    offsets = [(host_clock.HOST, own_offset), *((each.host, each.clock_offset) for each in found if each.ok)]
    off = {host: host_clock.describe(seconds) for host, seconds in offsets if host_clock.is_off(seconds)}
    return Part(not off, "; ".join(map(": ".join, off.items())) or "agree with the database's")


def database_part() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Part(False, f"does not answer ({type(error).__name__})")
    return Part(True, "answers")


def oldest_due_work(now: datetime) -> Part:
    """Whether workers start due work in time."""
    late = oldest_due(now)
    if late is None:
        return Part(True, "no work is due")
    return Part(late < WORK_LATE, f"due for {round(late.total_seconds())} s")


def oldest_due(now: datetime) -> timedelta | None:
    """How long the oldest due work has been due; None if none is due."""
    # Work for a blocked endpoint waits for the partner and does not count.
    kinds = (
        (Order.objects.calls_due(now), Endpoint.JUSTIFACTS, Q()),
        (Order.objects.polls_due(now), Endpoint.JUSTIFACTS, Q()),
        (AshbyUpdate.objects.due(now), Endpoint.ASHBY, Q(paused_at=None)),
    )
    times = []
    for rows, endpoint, condition in kinds:
        own = rows.filter(organization=OuterRef("organization")).order_by("next_attempt_at")
        enabled = Connection.objects.order_by().filter(healthy(endpoint, now), condition, is_enabled=True)
        first = enabled.annotate(first=Subquery(own.values("next_attempt_at")[:1]))
        times.append(first.aggregate(oldest=Min("first"))["oldest"])
    found = [moment for moment in times if moment is not None]
    return now - min(found) if found else None


@dataclass(frozen=True)
class Figures:
    orders: dict[str, int]
    updates: dict[str, int]
    needing_attention: int
    paused_organizations: int
    oldest_due_seconds: float
    heartbeat_ages: dict[str, float]


def figures(now: datetime) -> Figures:
    """Reads the figures from the database, so that every web process returns the same."""
    late = oldest_due(now)
    return Figures(
        orders=dict.fromkeys(Status.values, 0)
        | dict(Order.objects.order_by().values_list("status").annotate(Count("pk"))),
        updates=dict.fromkeys(AshbyUpdate.State.values, 0)
        | dict(AshbyUpdate.objects.order_by().values_list("state").annotate(Count("pk"))),
        needing_attention=Order.objects.filter(needs_attention=True).count(),
        paused_organizations=Connection.objects.exclude(paused_at=None).count(),
        oldest_due_seconds=late.total_seconds() if late else 0.0,
        heartbeat_ages={
            name: (now - at).total_seconds() for name, at in Heartbeat.objects.values_list("name", "at")
        },
    )
