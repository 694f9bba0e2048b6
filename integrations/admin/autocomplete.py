"""Autocompletion of choices, by the admin's own view."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class SafeAutocompleteView(AutocompleteJsonView):
    """Answers 403 to requests that no form sends and that Django would answer with 500: a field that is the
    reverse end of a relation, and a NUL, which PostgreSQL does not accept in a text."""

    def process_request(self, request: HttpRequest) -> Any:
        term, model_admin, field, to_field = super().process_request(request)
        if "\x00" in term or not hasattr(field, "get_limit_choices_to"):
            raise PermissionDenied
        return term, model_admin, field, to_field
