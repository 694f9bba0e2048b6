"""The audit log as a list with filters, and as a CSV file."""

import json

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy

from integrations.admin.base import READ_ONLY, OrganizationFilter
from integrations.admin.long_lists import LongListAdmin
from integrations.models import AuditLogEntry
from integrations.web.csv_export import csv_download

_COLUMNS = ("at", "who", "did", "what", "id", "details", "address", "organization", "line", "hash")


@admin.register(AuditLogEntry)
class AuditLogEntryAdmin(LongListAdmin):
    forbidden = READ_ONLY
    list_display = ["at", "actor", "action", "kind", "object_id", "organization", "details_text", "address"]
    list_display_links = None
    list_filter = ["action", OrganizationFilter, "at"]
    list_select_related = ["organization"]
    search_fields = ["actor__iexact", "object_id__exact", "kind__iexact"]
    search_help_text = gettext_lazy("User name, ID of an order or another record, or kind of record.")
    ordering = ["-pk"]
    actions = None
    change_list_template = "admin/integrations/auditlogentry/change_list.html"

    @admin.display(description=gettext_lazy("details"))
    def details_text(self, line: AuditLogEntry) -> str:
        return ", ".join(
            f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in line.details.items()
            if value
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="integrations_auditlogentry_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All pages of the list, with the same filters and search."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            lines: QuerySet[AuditLogEntry] = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            url = reverse("admin:integrations_auditlogentry_changelist")
            return HttpResponseRedirect(f"{url}?{ERROR_FLAG}=1")
        return csv_download(
            request, "audit", _COLUMNS, lines, AuditLogEntry.objects.select_related("organization"), _cells
        )


def _cells(line: AuditLogEntry) -> list[str]:
    return [
        *(line.at.isoformat(), line.actor, line.action, line.kind, line.object_id),
        *(json.dumps(line.details, sort_keys=True) if line.details else "", line.address),
        *(str(line.organization or ""), str(line.sequence), line.hash),
    ]
