"""Records in the audit log what people change in the admin."""

from typing import Any

from django.http import HttpRequest

from integrations.audit import log
from integrations.audit.log import Action
from integrations.web.client_ip import client_address


class AuditedModelAdmin:
    """A mixin for a ``ModelAdmin`` that records which rows were added, changed or deleted; of a change, the
    names of the fields."""

    def shows_candidate_data(self, page: str) -> bool:
        """Whether to record each time somebody opens ``page``, the part of a URL name after the model's
        name, such as ``change``. For ``AuditLogMiddleware``."""
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record_change(request, Action.ADDED, obj, message)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record_change(request, Action.CHANGED, obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            record_change(request, Action.DELETED, row, "")
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def record_change(request: HttpRequest, action: Action, row: Any, message: Any) -> None:
    """Record a change of one row. ``message``: Django's change message, which names fields, not values."""
    log.record_entry(
        action,
        request.user.get_username(),
        organization_id=_organization_of(row),
        kind=row._meta.label_lower,
        object_id=row.pk,
        details={"fields": _fields(message)} if isinstance(message, list) else {},
        address=client_address(request.META),
    )


def _organization_of(row: Any) -> int | None:
    if row._meta.label == "integrations.Organization":
        return int(row.pk)
    found = getattr(row, "organization_id", None)
    return int(found) if found is not None else None


def _fields(message: list[Any]) -> list[str]:
    """The names in Django's message: ``[{"changed": {"name": ..., "object": ..., "fields": [...]}}]``."""
    return sorted(
        {str(name) for part in message for what in part.values() for name in what.get("fields", [])}
    )
