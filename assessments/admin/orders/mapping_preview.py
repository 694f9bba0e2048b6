"""The mapping preview: which packages last month's orders would get under some mappings."""

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.insights.mapping_preview import DAYS, preview_mapping, totals
from integrations.accounts.roles import organizations_of
from integrations.admin.base import TenantModelAdmin
from integrations.admin.catalog.job_mapping import MAP, MapForm
from integrations.admin.links import MAPPING_PREVIEW, PAGES
from integrations.models import Job

_MAPPINGS = "integrations.view_jobpackagemapping"
PAGES[MAPPING_PREVIEW] = ("admin:assessments_order_mapping_preview", "assessments.view_order")


class MappingPreview(TenantModelAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        own = path("mapping-preview/<int:pk>/", view, name="assessments_order_mapping_preview")
        return [own, *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Needs permission to see the organization's orders and mappings. Writes nothing.

        GET previews the saved mappings. POST, from the page that maps jobs, previews what is chosen there.
        """
        organization = organizations_of(request.user, _MAPPINGS).filter(pk=pk).first()
        if organization is None or not request.user.has_perm("assessments.view_order", organization):
            raise Http404
        jobs: list[Job] = []
        form = None
        if request.method == "POST":
            if not request.user.has_perm(MAP, organization):
                raise Http404
            posted = request.POST.getlist(ACTION_CHECKBOX_NAME)
            # SQLite refuses larger numbers.
            chosen = [pk for pk in posted if pk.isdecimal() and len(pk) < 19]
            jobs, form = list(organization.jobs.filter(pk__in=chosen)), MapForm(organization, request.POST)
            if not jobs or not form.is_valid():
                messages.error(request, _("Select jobs and a package first."))
                return HttpResponseRedirect(
                    f"{reverse('admin:integrations_job_changelist')}?organization={organization.slug}"
                )
        proposed = {job.ashby_id: form.rule() for job in jobs} if form else {}
        rows = preview_mapping(organization, timezone.now(), proposed)
        title = _("Mapping preview with last month’s orders of %(organization)s")
        context = {
            **self.admin_site.each_context(request),
            "title": title % {"organization": organization},
            "organization": organization,
            "rows": rows,
            "totals": totals(rows),
            "days": DAYS,
            "all": sum(row.count for row in rows),
            "changed": sum(row.count for row in rows if row.changes),
            "refused": sum(row.count for row in rows if row.would_get is None),
            "jobs": jobs,
            "form": form,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/assessments/order/mapping_preview.html", context)
