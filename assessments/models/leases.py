"""Work that one worker at a time may do: rows with a due time and a claim that ends."""

import uuid
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.http.fencing import boottime

#: The longest that a call takes once its body is being sent, with a margin.
_LONGEST_CALL_SECONDS = 16
_LEAST_SECONDS = 3


def lease_end(now: datetime) -> datetime:
    """When a claim made now ends: longer than the longest call takes (3 s to connect, 15 s for the
    answer), by a wide margin."""
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def send_deadline() -> float:
    """Until when, on ``fence.uptime()``'s clock, a claim made now allows a call to begin: so early that
    its outcome is there before the claim ends."""
    claim_seconds: int = settings.LEASE_SECONDS
    # A claim shorter than a call fences less, and must not stop all calls.
    return boottime() + max(claim_seconds - _LONGEST_CALL_SECONDS, _LEAST_SECONDS)


_Row = TypeVar("_Row", bound=models.Model)


class LeasedQuerySet(models.QuerySet[_Row]):
    def not_leased(self, now: datetime) -> Self:
        """Nobody works on it, or whoever did is overdue and counts as dead."""
        return self.filter(Q(leased_until=None) | Q(leased_until__lte=now))

    def claim(self, pk: object, now: datetime) -> uuid.UUID | None:
        """Takes the row, if it still satisfies this query set; the token proves it.

        A conditional update, so that of any number of workers exactly one gets it, on SQLite
        and PostgreSQL alike. The query set must not join other tables: PostgreSQL checks only
        the row's own columns again after it has waited for another worker's claim.
        """
        token = uuid.uuid4()
        taken = self.not_leased(now).filter(pk=pk).update(lease_token=token, leased_until=lease_end(now))
        return token if taken == 1 else None


class Leased(models.Model):
    """A claim has an end, and a token: who wakes after the end finds that the token is not
    theirs any more, and writes nothing."""

    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def release(self) -> None:
        """Gives the claim back; the caller saves."""
        self.lease_token = None
        self.leased_until = None
