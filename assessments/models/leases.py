"""Leases: one worker at a time processes a row, for a limited time."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from integrations.http import fencing

#: The longest time from the start of sending a body to the outcome of the call, with a margin.
_LONGEST_CALL_SECONDS = 16
_LEAST_SECONDS = 3


def send_deadline() -> float:
    """The latest moment at which a call under a lease acquired now may begin, in seconds on the clock of
    ``fencing.boottime()``. The call's outcome is then known before the lease expires."""
    lease_seconds: int = settings.LEASE_SECONDS
    # A lease shorter than a call protects less, but must not prevent all calls.
    return fencing.boottime() + max(lease_seconds - _LONGEST_CALL_SECONDS, _LEAST_SECONDS)


_Row = TypeVar("_Row", bound=models.Model)


def _lease_clock(now: datetime) -> Now | datetime:
    """What leases are compared with: the database's clock, which all hosts share, if it is on another host;
    otherwise ``now``."""
    return Now() if connection.vendor == "postgresql" else now


class LeasedQuerySet(models.QuerySet[_Row]):
    def not_leased(self, now: datetime) -> Self:
        """Rows without a lease, or whose lease has expired because the worker died."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lte=_lease_clock(now)))

    def lease_expired(self, now: datetime) -> Self:
        """Rows whose worker died."""
        return self.filter(leased_until__lte=_lease_clock(now))

    def acquire(
        self, keys: Collection[object], now: datetime, lasts: timedelta | None = None
    ) -> uuid.UUID | None:
        """Lease those rows of ``keys`` that satisfy this query set, for ``lasts`` (default ``LEASE_SECONDS``,
        much longer than a call takes). Returns the fencing token, or None if no row was leased;
        ``held(token)`` are the leased rows.

        A conditional UPDATE, so exactly one of several workers gets a row, on SQLite and PostgreSQL alike.
        The query set must not join other tables: after waiting for another worker's UPDATE, PostgreSQL checks
        only the row's own columns again. Of several rows, those that another transaction has locked are left
        out: waiting for them while others are locked could end in a deadlock.
        """
        token = uuid.uuid4()
        until = _lease_clock(now) + (lasts or timedelta(seconds=settings.LEASE_SECONDS))
        rows = self.not_leased(now).filter(pk__in=keys)
        if len(keys) == 1 or not connection.features.has_select_for_update_skip_locked:
            return token if rows.update(lease_token=token, leased_until=until) else None
        with transaction.atomic():
            free = rows.order_by("pk").select_for_update(skip_locked=True)
            rows = rows.filter(pk__in=list(free.values_list("pk", flat=True)))
            return token if rows.update(lease_token=token, leased_until=until) else None

    def held(self, token: uuid.UUID | None) -> Self:
        """Rows whose lease has this fencing token. Only the holder of the token may write to them."""
        return self.filter(lease_token=token)

    def release(self, token: uuid.UUID) -> int:
        """End the leases with this token. The rows are due as before. Returns how many."""
        return self.held(token).update(lease_token=None, leased_until=None)


class Leased(models.Model):
    """A row that can be leased. A lease has an expiry and a fencing token; a worker whose token is no longer
    on the row must not write."""

    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def release_lease(self) -> None:
        """End the lease; the caller saves."""
        self.lease_token = None
        self.leased_until = None
