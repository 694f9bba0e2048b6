"""Addresses of the admin that no link of ours has, and of which Django would make a 500."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest


class Robust(ModelAdmin):
    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """PostgreSQL takes no NUL in a text: a query with one is answered as any that cannot be read."""
        if any("\x00" in value for _name, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """An empty ``_to_field`` names no field; nor is a row's id one with a NUL in it."""
        if "\x00" in object_id:
            return None
        return super().get_object(request, object_id, from_field or None)
