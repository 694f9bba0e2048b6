"""Paused deliveries: what happens to an organization's updates while Ashby refuses its key
(``docs/protocol.md``).

A refusal may be temporary: a permission that was removed and restored, or a mistake at Ashby. So one update
is sent as a probe every few minutes, and deliveries resume once Ashby accepts the key.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.connections.endpoints import Endpoint
from integrations.connections.health import problem_fields
from integrations.models import Connection, Organization

#: The time between probes while deliveries are paused.
PROBE_EVERY = timedelta(minutes=5)


def pause(organization: Organization, reason: str, now: datetime) -> bool:
    """Pause the organization's deliveries, except for a probe every ``PROBE_EVERY``. Returns False if they
    were paused already."""
    changes = problem_fields(Endpoint.ASHBY, reason, now) | {"probe_at": now + PROBE_EVERY}
    rows = Connection.objects.filter(organization=organization, paused_at=None)
    return rows.update(paused_at=now, pause_reason=reason, **changes) == 1


def may_probe(now: datetime) -> Q:
    """Connections whose deliveries are paused and which may send a probe."""
    is_time = Q(probe_at=None) | Q(probe_at__lte=now)
    has_key = Q(organization__ashby_api_keys__is_selected=True)
    return is_time & has_key & Q(paused_at__isnull=False)


def take_probe(connection: Connection, now: datetime) -> bool:
    """Whether the caller may send the probe. Of all processes one gets it, and the next one ``PROBE_EVERY``
    later."""
    due = Connection.objects.filter(
        Q(probe_at=None) | Q(probe_at__lte=now), pk=connection.pk, is_enabled=True
    )
    return due.exclude(paused_at=None).update(probe_at=now + PROBE_EVERY) == 1


def resume(organization: Organization) -> bool:
    """Resume the organization's deliveries. Returns False if they were not paused."""
    rows = Connection.objects.filter(organization=organization).exclude(paused_at=None)
    no_problem = {"ashby_problem": "", "ashby_problem_since": None}
    return rows.update(paused_at=None, pause_reason="", probe_at=None, **no_problem) == 1
