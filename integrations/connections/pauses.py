"""The pause of an organization's deliveries: Ashby has refused its key (``docs/protocol.md``).

A refusal may pass: a key whose permission was taken and given back, or a mistake at Ashby. So one update
probes every few minutes, and deliveries resume by themselves once Ashby accepts the key again.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.connections.endpoints import Endpoint
from integrations.connections.health import problem_fields
from integrations.models import Connection, Organization

#: While deliveries are paused, one update is tried this often.
PROBE_EVERY = timedelta(minutes=5)


def pause(organization: Organization, reason: str, now: datetime) -> bool:
    """Pause the organization's deliveries until a key works again, apart from one update every
    ``PROBE_EVERY``. False: they were paused already."""
    return (
        Connection.objects.filter(organization=organization, paused_at=None).update(
            paused_at=now,
            pause_reason=reason,
            probe_at=now + PROBE_EVERY,
            **problem_fields(Endpoint.ASHBY, reason, now),
        )
        == 1
    )


def take_probe(connection: Connection, now: datetime) -> bool:
    """Whether the caller may send the one update that tries whether Ashby accepts the key again. Of any
    number of processes one gets it, and the next one ``PROBE_EVERY`` later."""
    due = Connection.objects.filter(
        Q(probe_at=None) | Q(probe_at__lte=now), pk=connection.pk, is_enabled=True
    )
    return due.exclude(paused_at=None).update(probe_at=now + PROBE_EVERY) == 1


def resume(organization: Organization) -> bool:
    """Resume the organization's deliveries. False: they were not paused."""
    return (
        Connection.objects.filter(organization=organization)
        .exclude(paused_at=None)
        .update(paused_at=None, pause_reason="", probe_at=None, ashby_problem="", ashby_problem_since=None)
        == 1
    )
