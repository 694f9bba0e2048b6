"""The page that maps many jobs at once: it offers the packages, previews the changes, and applies them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin.base import TenantModelAdmin
from integrations.admin.links import MAPPING_PREVIEW, page_url
from integrations.audit import log
from integrations.catalog.mapping import map_jobs, one_organization, rules_of, unmap_jobs
from integrations.catalog.package_rule import PackageRule
from integrations.models import Job, JobPackageMapping, Organization, Package
from integrations.web.client_ip import client_address

MAP = "integrations.change_jobpackagemapping"
#: Each job is a form field, and Django accepts 1000 fields.
MOST_AT_ONCE = 500
NONE = "none"


class MapForm(forms.Form):
    """The new package of the jobs: one that their organization offers, or none."""

    package = forms.ChoiceField(label=gettext_lazy("Package"))
    is_strict = forms.BooleanField(
        label=gettext_lazy("Strict"),
        required=False,
        help_text=gettext_lazy("Any other package is refused for these jobs, with an explanation."),
    )

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = organization.packages.filter(is_active=True, withdrawn_at=None)
        self._offered = {str(package.pk): package for package in offered}
        self._default = organization.packages.filter(is_default=True).first()
        field: Any = self.fields["package"]
        field.choices = [
            ("", _("Choose …")),
            *((pk, package.label) for pk, package in self._offered.items()),
            (NONE, _("No package: remove the mapping")),
        ]

    @property
    def package_chosen(self) -> Package | None:
        """The package, or ``None`` to remove the mappings. Only for a valid form."""
        return self._offered.get(self.cleaned_data["package"])

    @property
    def is_strict_chosen(self) -> bool:
        return self.package_chosen is not None and self.cleaned_data["is_strict"]

    def rule(self) -> PackageRule:
        """Return the rule that each of the jobs would have. Only for a valid form."""
        package = self.package_chosen
        mapping = JobPackageMapping(package=package, is_strict=self.is_strict_chosen) if package else None
        return PackageRule(mapping, self._default)


class MappingPage(TenantModelAdmin):
    actions = ["map_to_package", "remove_mapping"]

    def has_map_permission(self, request: HttpRequest) -> bool:
        return self.may(request, MAP)

    @admin.action(description=gettext_lazy("Map to a package …"), permissions=["map"])
    def map_to_package(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        is_submitted = "preview" in request.POST or "apply" in request.POST
        return self._map_or_show(request, list(queryset), request.POST if is_submitted else None)

    @admin.action(description=gettext_lazy("Remove the job’s package …"), permissions=["map"])
    def remove_mapping(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Shows the same page with “No package” selected."""
        return self._map_or_show(request, list(queryset), {"package": NONE})

    def _map_or_show(self, request: HttpRequest, jobs: list[Job], data: Any) -> HttpResponse | None:
        if len(jobs) > MOST_AT_ONCE:
            text = _("Select at most %(count)d jobs at a time. Search or filter first.")
            self.message_user(request, text % {"count": MOST_AT_ONCE}, messages.ERROR)
            return None
        try:
            organization = one_organization(jobs)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return None
        if not request.user.has_perm(MAP, organization):
            raise PermissionDenied
        form = MapForm(organization, data)
        if form.is_valid() and "apply" in request.POST:
            self._apply(request, jobs, form)
            return None
        rules, default_rule = rules_of(organization)
        new_rule = form.rule() if form.is_bound and form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Map jobs to a package"),
            "organization": organization,
            "rows": [(job, rules.get(job.ashby_id, default_rule), new_rule) for job in jobs],
            "form": form,
            "is_previewed": new_rule is not None,
            "preview_url": page_url(MAPPING_PREVIEW, request.user, organization),
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/integrations/job/map.html", context)

    def _apply(self, request: HttpRequest, jobs: list[Job], form: MapForm) -> None:
        package = form.package_chosen
        if package is None:
            unmap_jobs(jobs)
            history = _("The job’s package was removed.")
            message = ngettext(
                "%(count)d job no longer has its own package.",
                "%(count)d jobs no longer have their own package.",
                len(jobs),
            ) % {"count": len(jobs)}
        else:
            try:
                map_jobs(jobs, package, strict=form.is_strict_chosen)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)
                return
            history = _("Mapped to “%(package)s”.") % {"package": package}
            message = ngettext(
                "%(count)d job now uses “%(package)s”.", "%(count)d jobs now use “%(package)s”.", len(jobs)
            ) % {"count": len(jobs), "package": package}
        # In the audit log, and with one statement in each job's history. (``log_actions`` accepts any rows;
        # its stubs only query sets.)
        log.record_entry(
            log.Action.CHANGED,
            request.user.get_username(),
            organization_id=jobs[0].organization_id,
            kind="integrations.job",
            details={"ids": [job.pk for job in jobs]},
            address=client_address(request.META),
        )
        LogEntry.objects.log_actions(request.user.pk, jobs, CHANGE, history)  # type: ignore[arg-type]
        self.message_user(request, message, messages.SUCCESS)
