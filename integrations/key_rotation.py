"""Keys change without a gap: the old one goes on working beside the new one, and is retired by a click or
by itself once it has fallen silent."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from . import audit
from .models import AshbyApiKey, Connection, RetiringVerificationKey

SILENT_AFTER = timedelta(days=7)
#: What says when a key was last used need not be more exact than that.
_EVERY = timedelta(minutes=1)


def note_use(row: AshbyApiKey | RetiringVerificationKey, now: datetime | None = None) -> None:
    """Writes down that the key was used, at most once a minute."""
    _note(type(row)._default_manager.filter(pk=row.pk), row, "", now or timezone.now())


def note_use_of_verification_key(connection: Connection, now: datetime | None = None) -> None:
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


def silent_verification_keys(now: datetime) -> QuerySet[RetiringVerificationKey]:
    """Replaced, and used by nobody for ``SILENT_AFTER``."""
    return RetiringVerificationKey.objects.filter(_silent(now))


def silent_ashby_keys(now: datetime) -> QuerySet[AshbyApiKey]:
    """Replaced, and not used for ``SILENT_AFTER``; one that was never in use waits for its turn."""
    return AshbyApiKey.objects.filter(_silent(now), is_selected=False)


def _silent(now: datetime) -> Q:
    since = now - SILENT_AFTER
    return Q(superseded_at__lte=since) & (Q(last_used_at=None) | Q(last_used_at__lte=since))


def retire_silent_keys(now: datetime | None = None) -> int:
    """Retires every key that has fallen silent; how many. The audit trail says so."""
    now = now or timezone.now()
    rows = [*silent_verification_keys(now), *silent_ashby_keys(now)]
    return sum(_retire(row, now) for row in rows)


@transaction.atomic
def _retire(row: AshbyApiKey | RetiringVerificationKey, now: datetime) -> bool:
    still_silent = type(row)._default_manager.filter(_silent(now), pk=row.pk)
    if isinstance(row, AshbyApiKey):
        still_silent = still_silent.filter(is_selected=False)
    if not still_silent.delete()[0]:
        return False
    audit.record(
        audit.Action.DELETED,
        "the portal",
        organization_id=row.organization_id,
        kind=row._meta.label_lower,
        object_id=row.pk,
        details={"why": f"replaced, and silent for {SILENT_AFTER.days} days"},
    )
    return True
