"""A page that answers, before anybody starts a check: what would these mappings have done?"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.services.dry_run import DAYS, dry_run
from integrations.admin.scope import OfOrganizations
from integrations.people import organizations_of

_MAPPINGS = "integrations.view_jobpackagemapping"


class DryRun(OfOrganizations):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dry_run_view)
        return [path("dry-run/<int:pk>/", view, name="assessments_order_dry_run"), *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For who may see both the orders and the mappings of the organization."""
        organization = organizations_of(request.user, _MAPPINGS).filter(pk=pk).first()
        if organization is None or not request.user.has_perm("assessments.view_order", organization):
            raise Http404
        rows = dry_run(organization, timezone.now())
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("What last month’s orders of %(organization)s would get")
            % {"organization": organization},
            "opts": self.opts,
            "organization": organization,
            "rows": rows,
            "days": DAYS,
            "all": sum(row.count for row in rows),
            "changed": sum(row.count for row in rows if row.changes),
            "refused": sum(row.count for row in rows if row.would_get is None),
        }
        return TemplateResponse(request, "admin/assessments/order/dry_run.html", context)
