"""Pages of rows that only the portal writes."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """A mixin for a ``ModelAdmin`` or an inline: nobody may add, change or delete rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
