"""Whether everything is alive, and how much waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from assessments.models import AshbyUpdate, Heartbeat, Order, PendingCall
from assessments.statuses import Status
from integrations.connections.circuit_breaker import healthy
from integrations.connections.endpoints import Endpoint
from integrations.models import Connection

#: Sweeps run every 2 s; this long without one means that nobody works.
HEARTBEAT_LATE = timedelta(seconds=30)
#: Work that is due and that nobody has taken for this long.
WORK_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Part:
    """One part of the portal: whether it is well, and a sentence."""

    ok: bool
    detail: str


def heartbeat(name: str, now: datetime) -> Part:
    """The last sign of life of ``worker`` or ``scheduler``."""
    last = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    if last is None:
        return Part(False, "never seen; start it")
    seconds = round((now - last).total_seconds())
    return Part(now - last < HEARTBEAT_LATE, f"last seen {seconds} s ago")


def oldest_due_work(now: datetime) -> Part:
    """Work whose time has come and that no worker has taken."""
    late = oldest_due(now)
    if late is None:
        return Part(True, "nothing waits")
    return Part(late < WORK_LATE, f"due for {round(late.total_seconds())} s")


def oldest_due(now: datetime) -> timedelta | None:
    # Where the other side is unwell, work waits for it, not for us.
    path = "organization__connection__"
    enabled = Order.objects.filter(
        healthy(Endpoint.JUSTIFACTS, now, path), organization__connection__is_enabled=True
    )
    call = enabled.not_leased(now).filter(next_attempt_at__lte=now).exclude(next_call=PendingCall.NONE)
    first_call = call.aggregate(first=Min("next_attempt_at"))["first"]
    updates = (
        AshbyUpdate.objects.deliverable(now)
        .not_leased(now)
        .filter(healthy(Endpoint.ASHBY, now, f"order__{path}"))
    )
    first_update = updates.aggregate(first=Min("next_attempt_at"))["first"]
    times = [moment for moment in (first_call, first_update) if moment is not None]
    return now - min(times) if times else None


@dataclass(frozen=True)
class Figures:
    """What a monitoring system counts."""

    orders: dict[str, int]
    updates: dict[str, int]
    needing_a_human: int
    paused_organizations: int
    oldest_due_seconds: float
    heartbeat_ages: dict[str, float]


def figures(now: datetime) -> Figures:
    """Read from the database, so that every web process tells the same."""
    late = oldest_due(now)
    return Figures(
        orders=dict.fromkeys(Status.values, 0)
        | dict(Order.objects.order_by().values_list("status").annotate(Count("pk"))),
        updates=dict.fromkeys(AshbyUpdate.State.values, 0)
        | dict(AshbyUpdate.objects.order_by().values_list("state").annotate(Count("pk"))),
        needing_a_human=Order.objects.filter(needs_attention=True).count(),
        paused_organizations=Connection.objects.exclude(paused_at=None).count(),
        oldest_due_seconds=late.total_seconds() if late else 0.0,
        heartbeat_ages={
            name: (now - at).total_seconds() for name, at in Heartbeat.objects.values_list("name", "at")
        },
    )
