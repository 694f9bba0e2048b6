"""Replaced keys: they stay valid beside the new key, and are retired by a person or once they are unused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.audit import log
from integrations.models import AshbyApiKey, Connection, PreviousVerificationKey

UNUSED_AFTER = timedelta(days=7)
_Key = AshbyApiKey | PreviousVerificationKey
#: How often the last use of a key is written at most.
_WRITE_EVERY = timedelta(minutes=1)


def mark_used(row: _Key, now: datetime | None = None) -> None:
    """Record that the key was used, at most once a minute."""
    _record_use(lambda: type(row)._default_manager.filter(pk=row.pk), row, "", now or timezone.now())


def mark_verification_key_used(connection: Connection, now: datetime | None = None) -> None:
    """As ``mark_used``, for the connection's present verification key."""
    index = connection.verification_key_index
    _record_use(
        lambda: Connection.objects.filter(pk=connection.pk, verification_key_index=index),
        connection,
        "verification_key_",
        now or timezone.now(),
    )


def _record_use(rows: Callable[[], QuerySet[Any]], row: Any, prefix: str, now: datetime) -> None:
    last = getattr(row, f"{prefix}last_used_at")
    if last is not None and now - last < _WRITE_EVERY:
        return
    changes = {f"{prefix}last_used_at": now}
    if getattr(row, f"{prefix}first_used_at") is None:
        changes[f"{prefix}first_used_at"] = now
    rows().update(**changes)


def _unused(model: type[_Key], now: datetime) -> QuerySet[Any]:
    """Keys that were replaced, and last used, at least ``UNUSED_AFTER`` ago. A key that was added and never
    selected is not among them."""
    since = now - UNUSED_AFTER
    is_unused = Q(last_used_at=None) | Q(last_used_at__lte=since)
    return model._default_manager.filter(is_unused, replaced_at__lte=since)


def retire_unused_keys(now: datetime | None = None) -> int:
    """Retire every replaced key that is unused; return how many. The audit log records each."""
    now, models = now or timezone.now(), (PreviousVerificationKey, AshbyApiKey)
    return sum(_retire(row, now) for model in models for row in _unused(model, now))


@transaction.atomic
def _retire(row: _Key, now: datetime) -> bool:
    if not _unused(type(row), now).filter(pk=row.pk).delete()[0]:
        return False
    log.record_entry(
        log.Action.DELETED,
        "the portal",
        organization_id=row.organization_id,
        kind=row._meta.label_lower,
        object_id=row.pk,
        details={"why": f"replaced, and unused for {UNUSED_AFTER.days} days"},
    )
    return True
