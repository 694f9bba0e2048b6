"""Jobs, and which package each gets: one table to read, and to map one job or many at once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter, StackedInline
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.mappings import map_jobs, one_organization, rules_of, unmap_jobs
from integrations.models import Job, JobPackageMapping, Organization, Package
from integrations.rules import Rule

from .packages import the_organization
from .scope import OfOrganizations, OrganizationFilter

MAP = "integrations.change_jobpackagemapping"


class MappedFilter(SimpleListFilter):
    title = gettext_lazy("package")
    parameter_name = "mapped"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [
            ("yes", gettext_lazy("Has its own")),
            ("strict", gettext_lazy("Has its own, strict")),
            ("no", gettext_lazy("Has none of its own")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        match self.value():
            case "yes":
                return queryset.filter(mapping__isnull=False)
            case "strict":
                return queryset.filter(mapping__is_strict=True)
            case "no":
                return queryset.filter(mapping__isnull=True)
        return queryset


class MapForm(forms.Form):
    """The packages that the jobs' own organization offers."""

    package = forms.ModelChoiceField(Package.objects.none(), label=gettext_lazy("Package"))
    is_strict = forms.BooleanField(
        label=gettext_lazy("Strict"),
        required=False,
        help_text=gettext_lazy("Any other package is refused for these jobs, with the reason."),
    )

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["package"]
        field.queryset = organization.packages.filter(is_active=True, withdrawn_at=None)


class MappingOfJob(StackedInline):
    """On the job's own page, with the packages of its organization."""

    model = JobPackageMapping
    fields = ["package", "is_strict"]
    verbose_name = verbose_name_plural = gettext_lazy("Package of this job")

    def get_formset(self, request: HttpRequest, obj: Job | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        if obj is not None and "package" in formset.form.base_fields:
            package = formset.form.base_fields["package"]
            package.queryset = Package.objects.filter(organization=obj.organization_id)
            package.widget = package.widget.widget  # Without buttons to edit the package itself.
            package.widget.choices = package.choices
        return formset


@admin.register(Job)
class JobAdmin(OfOrganizations):
    list_display = ["title", "requisition_id", "status", "own_package", "orders_now", "organization"]
    list_filter = [OrganizationFilter, MappedFilter, "status"]
    list_select_related = ["organization", "mapping__package"]
    search_fields = ["title", "ashby_id", "requisition_id"]
    search_help_text = gettext_lazy("A title, a requisition or Ashby’s id of the job.")
    actions = ["map_to_package", "remove_mapping"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs: QuerySet[Job] = super().get_queryset(request)
        default = Package.objects.filter(
            organization=OuterRef("organization"), is_default=True, is_active=True, withdrawn_at=None
        )
        return jobs.annotate(default_package=Subquery(default.values("name")[:1]))

    def get_inlines(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """A job is saved first, so that its organization is known."""
        return [MappingOfJob] if obj else []

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        own = ["organization", "ashby_id", "title"]
        return [*own, "status", "requisition_id", "orders_now"] if obj else own

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """What Ashby says is Ashby's to change: step 6 of the set-up fetches it."""
        return self.get_fields(request, obj) if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_map_permission(self, request: HttpRequest) -> bool:
        return self.may(request, MAP)

    @admin.display(description=gettext_lazy("its own package"), ordering="mapping__package__name")
    def own_package(self, job: Job) -> str:
        mapping: JobPackageMapping | None = getattr(job, "mapping", None)
        if mapping is None:
            return "–"
        strict = format_html(' <span class="status status-accepted">{}</span>', _("strict"))
        return format_html("{}{}", mapping.package, strict if mapping.is_strict else "")

    @admin.display(description=gettext_lazy("“Package for this job” orders now"))
    def orders_now(self, job: Any) -> str:
        mapping: JobPackageMapping | None = getattr(job, "mapping", None)
        if mapping is not None and mapping.package.is_offered:
            return str(mapping.package)
        if mapping is None and job.default_package:
            return _("%(package)s, the default") % {"package": job.default_package}
        return format_html(
            '<span class="status status-human">{}</span>', _("nothing: the recruiter is told why")
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        organization = the_organization(request)
        return super().changelist_view(request, {"organization": organization, **(extra_context or {})})

    @admin.action(description=gettext_lazy("Map to a package …"), permissions=["map"])
    def map_to_package(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Asks for the package, shows what changes, and then does it."""
        jobs = list(queryset)
        try:
            organization = one_organization(jobs)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return None
        if not request.user.has_perm(MAP, organization):
            raise PermissionDenied
        asked = "preview" in request.POST or "apply" in request.POST
        form = MapForm(organization, request.POST if asked else None)
        if form.is_valid() and "apply" in request.POST:
            self._map(request, jobs, form.cleaned_data)
            return None
        return self._ask(request, organization, jobs, form)

    def _map(self, request: HttpRequest, jobs: list[Job], chosen: dict[str, Any]) -> None:
        try:
            map_jobs(jobs, chosen["package"], strict=chosen["is_strict"])
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return
        for job in jobs:
            self.log_change(request, job, _("Mapped to “%(package)s”.") % {"package": chosen["package"]})
        text = ngettext(
            "%(count)d job gets “%(package)s” now.", "%(count)d jobs get “%(package)s” now.", len(jobs)
        )
        said = text % {"count": len(jobs), "package": chosen["package"]}
        self.message_user(request, said, messages.SUCCESS)

    def _ask(
        self, request: HttpRequest, organization: Organization, jobs: list[Job], form: MapForm
    ) -> HttpResponse:
        rules, other = rules_of(organization)
        package = form.cleaned_data.get("package") if form.is_bound and form.is_valid() else None
        strict = form.cleaned_data["is_strict"] if package else False
        then = Rule(JobPackageMapping(package=package, is_strict=strict), None) if package else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Map jobs to a package"),
            "organization": organization,
            "rows": [(job, rules.get(job.ashby_id, other), then) for job in jobs],
            "form": form,
            "is_previewed": then is not None,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/integrations/job/map.html", context)

    @admin.action(description=gettext_lazy("Remove the job’s own package"), permissions=["map"])
    def remove_mapping(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        jobs = [job for job in queryset if self.may(request, MAP, job)]
        removed = unmap_jobs(jobs)
        for job in jobs:
            self.log_change(request, job, _("Its own package was removed."))
        text = ngettext(
            "%(count)d job has no package of its own any more.",
            "%(count)d jobs have no package of their own any more.",
            removed,
        )
        self.message_user(request, text % {"count": removed}, messages.SUCCESS)
