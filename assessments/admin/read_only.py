"""What the portal writes, people read."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """For a ``ModelAdmin`` or an inline: shown, never added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
