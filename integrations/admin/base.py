"""Base classes of the portal's pages: they show each person only the rows of their organizations, and answer
malformed requests, for which Django's admin would answer 500.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django.contrib.admin import ModelAdmin, ShowFacets, SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.contrib.messages import WARNING
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from integrations.accounts.roles import organizations_of, visible_to
from integrations.audit.model_admin import AuditedModelAdmin
from integrations.models import Organization

#: ``forbidden`` for rows that only the portal writes.
READ_ONLY = ("add", "change", "delete")


class HardenedModelAdmin(ModelAdmin):
    """Answers requests that no link or form of the portal sends."""

    #: The actions that nobody may perform, whatever their permissions.
    forbidden: tuple[str, ...] = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return "add" not in self.forbidden and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "change" not in self.forbidden and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return "delete" not in self.forbidden and super().has_delete_permission(request, obj)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """A NUL, which PostgreSQL does not accept in a text, is treated as an unknown filter."""
        if any("\x00" in value for _name, values in request.GET.lists() for value in values):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """An empty ``_to_field`` counts as absent, and an id with a NUL matches no row."""
        if "\x00" in object_id:
            return None
        return super().get_object(request, object_id, from_field or None)

    def response_action(self, request: HttpRequest, queryset: Any, *where: Any, **more: Any) -> Any:
        """Does nothing if a selected value cannot be a primary key."""
        if all(self._may_be_an_id(text) for text in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            return super().response_action(request, queryset, *where, **more)
        text = _("The selected items are not in this list. Nothing was changed.")
        self.message_user(request, text, WARNING)
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


class TenantModelAdmin(AuditedModelAdmin, HardenedModelAdmin):
    """Rows that belong to an organization, to which the query path ``organization_path`` leads.

    A row of an organization in which the person has no permission appears in no list, search, filter, choice
    or history, and its URL answers 404.
    """

    organization_path = "organization"
    # Counting the rows of each filter choice would read every row many times.
    show_facets = ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return self.visible(request, rows)

    def visible(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the rows that the person may see."""
        permissions = self._permission("view"), self._permission("change")
        return visible_to(request.user, rows, self.organization_path, *permissions)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The title is the name of the rows; Django's would be “Select … to change”."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def organization_of(self, row: Any) -> Any:
        path = self.organization_path.replace("__", ".")
        return row if path == "pk" else attrgetter(path)(row)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404
        # For the audit log, which would read it again.
        request.opened_row = row  # type: ignore[attr-defined]
        return row

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view", obj) or self._may(request, "change", obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may(request, "delete", obj)

    def _may(self, request: HttpRequest, action: str, row: Any) -> bool:
        return self.may(request, self._permission(action), row)

    def may(self, request: HttpRequest, permission: str, row: Any = None) -> bool:
        """Whether the person has the permission for the row; without a row, in any organization."""
        return request.user.has_perm(permission, self.organization_of(row) if row else None)

    def _permission(self, action: str) -> str:
        return f"{self.opts.app_label}.{get_permission_codename(action, self.opts)}"

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offers only rows that the person may see."""
        if "queryset" not in kwargs:
            if db_field.remote_field.model is Organization:
                # The organization is chosen only when a row is added.
                kwargs["queryset"] = organizations_of(request.user, self._permission("add"))
            else:
                related = self.admin_site._registry.get(db_field.remote_field.model)
                if isinstance(related, TenantModelAdmin):
                    kwargs["queryset"] = related.get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Preselects the organization if there is only one to choose. A link may name another value."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        if self.organization_path == "organization":
            field: Any = self.formfield_for_foreignkey(self.opts.get_field("organization"), request)
            choices = list(field.queryset[:2])
            if len(choices) == 1:
                return {"organization": str(choices[0].pk)} | initial
        return initial


class OptionFilter(SimpleListFilter):
    """Offers fixed options. A value that is none of them filters nothing."""

    #: By the value in the URL: the label, and the condition for a row.
    options: Mapping[str, tuple[Any, Q]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(value, label) for value, (label, _condition) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.options.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class OrganizationFilter(SimpleListFilter):
    """Offers the organizations that the person may see; hidden if there is only one."""

    title = _("organization")
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        permissions = model_admin._permission("view"), model_admin._permission("change")
        visible = list(organizations_of(request.user, *permissions).values_list("slug", "name", "pk"))
        self._keys = {slug: pk for slug, _name, pk in visible}
        self._is_of_another = bool(self.value()) and self.value() not in self._keys
        return [(slug, name) for slug, name, _pk in visible] if len(visible) > 1 else []

    def has_output(self) -> bool:
        """An organization that the person may not see filters out all rows."""
        return super().has_output() or self._is_of_another

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self._is_of_another:
            return queryset.none()
        # By its key: behind a slug, the database would not know how many rows the organization has.
        chosen = self._keys.get(self.value() or "")
        return queryset.filter(**{self._path: chosen}) if chosen else queryset

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self._path = model_admin.organization_path
        super().__init__(request, params, model, model_admin)


class SafeAutocompleteView(AutocompleteJsonView):
    """Answers 403 to requests that no form sends and that Django would answer with 500: a field that is the
    reverse end of a relation, and a NUL, which PostgreSQL does not accept in a text."""

    def process_request(self, request: HttpRequest) -> Any:
        term, model_admin, field, to_field = super().process_request(request)
        if "\x00" in term or not hasattr(field, "get_limit_choices_to"):
            raise PermissionDenied
        return term, model_admin, field, to_field
