"""Choices that are completed while somebody types, by Django's own view of the admin."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class SafeAutocompleteView(AutocompleteJsonView):
    """Refuses what no form asks, of which Django would make a 500: a field that refers to nothing by
    itself (the other end of a reference), and a NUL, which PostgreSQL takes in no text."""

    def process_request(self, request: HttpRequest) -> Any:
        term, model_admin, field, to_field = super().process_request(request)
        if "\x00" in term or not hasattr(field, "get_limit_choices_to"):
            raise PermissionDenied
        return term, model_admin, field, to_field
