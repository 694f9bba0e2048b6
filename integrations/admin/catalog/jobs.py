"""Jobs and their packages: the list, from which one or many jobs are mapped."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import StackedInline
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin.base import OptionFilter, OrganizationFilter
from integrations.admin.catalog.job_mapping import MappingPage
from integrations.admin.catalog.packages import listed_organization
from integrations.admin.links import MAPPING_PREVIEW, page_url
from integrations.catalog.package_rule import PackageRule
from integrations.models import Job, JobPackageMapping, Package


class MappedFilter(OptionFilter):
    title = gettext_lazy("package")
    parameter_name = "mapped"
    options = {
        "yes": (gettext_lazy("With own package"), Q(mapping__isnull=False)),
        "strict": (gettext_lazy("With own package, strict"), Q(mapping__is_strict=True)),
        "no": (gettext_lazy("Without own package"), Q(mapping__isnull=True)),
    }


class MappingOfJob(StackedInline):
    model = JobPackageMapping
    fields = ["package", "is_strict"]
    verbose_name = verbose_name_plural = gettext_lazy("Package of this job")

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return self._may(request, "view", obj) or self._may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return self._may(request, "add", obj)

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return self._may(request, "delete", obj)

    def _may(self, request: HttpRequest, verb: str, job: Job | None) -> bool:
        permission = f"integrations.{verb}_jobpackagemapping"
        return request.user.has_perm(permission, job.organization if job else None)

    def get_formset(self, request: HttpRequest, obj: Job | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        if obj is not None and "package" in formset.form.base_fields:
            package = formset.form.base_fields["package"]
            # A package that is not offered can stay, but cannot be selected.
            package.queryset = Package.objects.filter(
                Q(is_active=True, withdrawn_at=None) | Q(mappings__job=obj), organization=obj.organization_id
            )
            package.widget = package.widget.widget  # Without buttons to edit the package itself.
            package.widget.choices = package.choices
        return formset


@admin.register(Job)
class JobAdmin(MappingPage):
    forbidden = ("delete",)
    list_display = ["title", "requisition_id", "status", "own_package", "orders_now", "organization"]
    list_filter = [OrganizationFilter, MappedFilter, "status"]
    list_select_related = ["organization", "mapping__package__replaced_by"]
    search_fields = ["title", "ashby_id", "requisition_id"]
    search_help_text = gettext_lazy("Job title, requisition or Ashby job ID.")

    class Media:
        css = {"all": ["portal/catalog.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs: QuerySet[Job] = super().get_queryset(request)
        defaults = Package.objects.filter(is_default=True).select_related("replaced_by")
        return jobs.prefetch_related(Prefetch("organization__packages", defaults, to_attr="defaults"))

    def get_inlines(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """A new job has no mapping: its organization is not known before it is saved."""
        return [MappingOfJob] if obj else []

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        editable = ["organization", "ashby_id", "title"]
        return [*editable, "status", "requisition_id", "orders_now"] if obj else editable

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """A job's data is changed in Ashby, and fetched in step 6 of the set-up."""
        return self.get_fields(request, obj) if obj else []

    @admin.display(description=gettext_lazy("its own package"), ordering="mapping__package__name")
    def own_package(self, job: Job) -> str:
        mapping: JobPackageMapping | None = getattr(job, "mapping", None)
        if mapping is None:
            return "–"
        own, current = mapping.package, mapping.package.current
        text: str = str(own)
        if own != current:
            text = _("%(package)s, replaced by %(replacement)s")
            text %= {"package": own, "replacement": current.label_and_id}
        if not mapping.is_strict:
            return text
        return format_html('{} <span class="status status-accepted">{}</span>', text, _("strict"))

    @admin.display(description=gettext_lazy("“Package for this job” now"))
    def orders_now(self, job: Any) -> str:
        mapping: JobPackageMapping | None = getattr(job, "mapping", None)
        package = PackageRule(mapping, next(iter(job.organization.defaults), None)).package
        if package is None:
            why = _("none: the recruiter sees why")
            return format_html('<span class="status status-attention">{}</span>', why)
        return str(package) if mapping else _("%(package)s, the default") % {"package": package}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        organization = listed_organization(request)
        context = {
            "organization": organization,
            "preview_url": organization and page_url(MAPPING_PREVIEW, request.user, organization),
        }
        return super().changelist_view(request, context | (extra_context or {}))
