"""Keys change without a gap: the old one goes on working beside the new one, and is retired by a click or
by itself once it has fallen silent."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.audit import log
from integrations.models import AshbyApiKey, Connection, PreviousVerificationKey

SILENT_AFTER = timedelta(days=7)
_Key = TypeVar("_Key", AshbyApiKey, PreviousVerificationKey)
#: What says when a key was last used need not be more exact than that.
_EVERY = timedelta(minutes=1)


def mark_used(row: AshbyApiKey | PreviousVerificationKey, now: datetime | None = None) -> None:
    """Writes down that the key was used, at most once a minute."""
    _note(type(row)._default_manager.filter(pk=row.pk), row, "", now or timezone.now())


def mark_verification_key_used(connection: Connection, now: datetime | None = None) -> None:
    """As ``note_use``, for the verification key that the organization uses now."""
    same = Connection.objects.filter(
        pk=connection.pk, verification_key_index=connection.verification_key_index
    )
    _note(same, connection, "verification_key_", now or timezone.now())


def _note(rows: QuerySet[Any], row: Any, prefix: str, now: datetime) -> None:
    last = getattr(row, f"{prefix}last_used_at")
    if last is not None and now - last < _EVERY:
        return
    changes = {f"{prefix}last_used_at": now}
    if getattr(row, f"{prefix}first_used_at") is None:
        changes[f"{prefix}first_used_at"] = now
    rows.update(**changes)


def _silent(model: type[_Key], now: datetime) -> QuerySet[_Key]:
    """Replaced, and used by nobody for ``SILENT_AFTER``. One that was never in use waits for its turn."""
    since = now - SILENT_AFTER
    return model._default_manager.filter(
        Q(last_used_at=None) | Q(last_used_at__lte=since), replaced_at__lte=since
    )


def retire_unused_keys(now: datetime | None = None) -> int:
    """Retires every key that has fallen silent; how many. The audit trail says so."""
    now = now or timezone.now()
    retired = [_retire(PreviousVerificationKey, key, now) for key in _silent(PreviousVerificationKey, now)]
    retired += [_retire(AshbyApiKey, key, now) for key in _silent(AshbyApiKey, now)]
    return sum(retired)


@transaction.atomic
def _retire(model: type[_Key], row: _Key, now: datetime) -> bool:
    if not _silent(model, now).filter(pk=row.pk).delete()[0]:
        return False
    log.record_entry(
        log.Action.DELETED,
        "the portal",
        organization_id=row.organization_id,
        kind=row._meta.label_lower,
        object_id=row.pk,
        details={"why": f"replaced, and silent for {SILENT_AFTER.days} days"},
    )
    return True
