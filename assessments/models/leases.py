"""Leases: a row with a due time is worked on by one worker at a time, for a limited time."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.http import fencing

#: The longest that a call takes once its body is being sent, with a margin.
_LONGEST_CALL_SECONDS = 16
_LEAST_SECONDS = 3


def send_deadline() -> float:
    """When a call under a lease acquired now must begin at the latest, in seconds on ``fencing.boottime()``:
    so early that the call's outcome is known before the lease expires."""
    lease_seconds: int = settings.LEASE_SECONDS
    # A lease shorter than a call fences less, and must not stop all calls.
    return fencing.boottime() + max(lease_seconds - _LONGEST_CALL_SECONDS, _LEAST_SECONDS)


_Row = TypeVar("_Row", bound=models.Model)


class LeasedQuerySet(models.QuerySet[_Row]):
    """Taking and releasing leases, of one row or of many."""

    def not_leased(self, now: datetime) -> Self:
        """Rows that no worker holds, or whose worker has not released them in time and counts as dead."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lte=now))

    def acquire(
        self, keys: Collection[object], now: datetime, lasts: timedelta | None = None
    ) -> uuid.UUID | None:
        """Lease those rows of ``keys`` that still satisfy this query set, for ``lasts``
        (``LEASE_SECONDS`` by default: longer than the longest call by a wide margin). Returns the fencing
        token, or None if there is no such row; ``held(token)`` are the rows.

        One conditional UPDATE, so that of any number of workers exactly one gets a row, on SQLite and
        PostgreSQL alike. The query set must not join other tables: after waiting for another worker's
        UPDATE, PostgreSQL checks only the row's own columns again.
        """
        token = uuid.uuid4()
        until = now + (lasts or timedelta(seconds=settings.LEASE_SECONDS))
        rows = self.not_leased(now).filter(pk__in=keys)
        return token if rows.update(lease_token=token, leased_until=until) else None

    def held(self, token: uuid.UUID | None) -> Self:
        """Rows whose lease still has this fencing token. Only its holder may write to them."""
        return self.filter(lease_token=token)

    def release(self, token: uuid.UUID) -> int:
        """Release those rows that this token still holds; they are due as they were before. How many."""
        return self.held(token).update(lease_token=None, leased_until=None)


class Leased(models.Model):
    """A lease has an expiry and a fencing token. A worker that resumes after expiry no longer holds the token
    and must not write."""

    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def release_lease(self) -> None:
        """End the lease; the caller saves."""
        self.lease_token = None
        self.leased_until = None
