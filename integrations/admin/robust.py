"""What no link or form of ours sends, and of which Django's admin would make a 500."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.messages import WARNING
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _


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

    def response_action(self, request: HttpRequest, queryset: Any, *where: Any, **more: Any) -> Any:
        """With anything chosen that cannot be a row's id, nothing is done: the list is shown again."""
        if all(self._may_be_an_id(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            return super().response_action(request, queryset, *where, **more)
        self.message_user(request, _("What was chosen is not in this list. Nothing was changed."), WARNING)
        return None

    def _may_be_an_id(self, text: str) -> bool:
        field: Any = self.opts.pk
        while field.remote_field:
            field = field.target_field
        try:
            field.run_validators(field.to_python(text))
        except ValidationError:
            return False
        return True
