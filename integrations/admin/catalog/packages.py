"""Packages: which of those that Justifacts sells are offered in Ashby, and under which name."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.accounts.roles import organizations_of
from integrations.admin.base import OptionFilter, OrganizationFilter, TenantModelAdmin
from integrations.catalog.mapping import namesakes, replacements_for, set_default_package
from integrations.catalog.sync import lock_lists
from integrations.models import ConnectionJob, Organization, Package
from integrations.onboarding.jobs import last_job, unconfirmed_packages


class SoldFilter(OptionFilter):
    title = gettext_lazy("sold by Justifacts")
    parameter_name = "sold"
    options = {
        "yes": (gettext_lazy("Yes"), Q(withdrawn_at=None)),
        "no": (gettext_lazy("No longer"), ~Q(withdrawn_at=None)),
    }


class PackageForm(forms.ModelForm):
    """Offers as replacements only packages that the organization offers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields.get("replaced_by")
        if field is None:
            return
        field.queryset = replacements_for(self.instance)
        field.widget = field.widget.widget  # Without buttons to edit the other package.
        field.widget.choices = field.choices
        field.label_from_instance = lambda package: f"{package} ({package.justifacts_id})"
        field.help_text = _(
            "The package to order instead of this one: for jobs mapped to this one, for "
            "“Package for this job” if this one is the default, and for interview plans in "
            "Ashby that name this one. Used while this package is not offered. Leave empty for "
            "none."
        )
        if namesake := namesakes([self.instance]).get(self.instance.pk):
            text = _("“%(package)s” (%(id)s) has the same name.")
            field.help_text += " " + text % {"package": namesake, "id": namesake.justifacts_id}


@admin.register(Package)
class PackageAdmin(TenantModelAdmin):
    # Packages come from Justifacts, in step 5 of the set-up. Orders refer to theirs; an unwanted one is
    # disabled.
    forbidden = ("add", "delete")
    form = PackageForm
    list_display = ["label", "state", "at_justifacts", "mapped_jobs", "organization"]
    list_filter = [OrganizationFilter, "is_active", SoldFilter]
    list_select_related = ["organization", "replaced_by"]
    ordering = [Package.label_in_sql()]
    search_fields = ["name", "ashby_name", "justifacts_id"]
    actions = ["switch_on", "switch_off", "make_default"]
    readonly_fields = ["organization", "name", "justifacts_id", "description", "withdrawn_at"]

    class Media:
        css = {"all": ["portal/catalog.css"]}

    def get_fields(self, request: HttpRequest, obj: Package | None = None) -> Any:
        """An offered package has no field for a replacement."""
        fields = ["organization", "name", "justifacts_id", "description", "ashby_name", "is_active"]
        needs_one = obj is not None and not (obj.is_offered and obj.replaced_by_id is None)
        return [*fields, "is_default", "withdrawn_at", *(["replaced_by"] if needs_one else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Package]:
        packages: QuerySet[Package] = super().get_queryset(request)
        return packages.annotate(job_count=Count("mappings"))

    @admin.display(description=gettext_lazy("name in Ashby"), ordering=Package.label_in_sql())
    def label(self, package: Package) -> str:
        return package.label

    @admin.display(description=gettext_lazy("name at Justifacts"), ordering="name")
    def at_justifacts(self, package: Package) -> str:
        return format_html("{} <code>{}</code>", package.name, package.justifacts_id)

    @admin.display(description=gettext_lazy("in Ashby"))
    def state(self, package: Package) -> str:
        if package.withdrawn_at:
            text = _("no longer sold since %(day)s") % {"day": f"{package.withdrawn_at:%Y-%m-%d}"}
        elif not package.is_active:
            text = _("disabled")
        else:
            text = _("offered, and the default") if package.is_default else _("offered")
        tone = "status-complete" if package.is_offered else "status-accepted"
        state = format_html('<span class="status {}">{}</span>', tone, text)
        if package.current == package:
            return state
        replaced = _("replaced by %(package)s") % {"package": package.current.label_and_id}
        return format_html("{}<br>{}", state, replaced)

    @admin.display(description=gettext_lazy("jobs mapped to it"), ordering="job_count")
    def mapped_jobs(self, package: Any) -> Any:
        return package.job_count

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        organization = listed_organization(request)
        extra = {
            "offered": _offered(organization),
            "organization": organization,
            "unconfirmed": _unconfirmed(organization),
            **(extra_context or {}),
        }
        return super().changelist_view(request, extra)

    def save_model(self, request: HttpRequest, obj: Package, form: Any, change: bool) -> None:
        lock_lists(obj.organization_id)
        make_default, obj.is_default = obj.is_default, form.initial.get("is_default", False)
        super().save_model(request, obj, form, change)
        if make_default != obj.is_default:
            set_default_package(obj.organization, obj if make_default else None)
            obj.is_default = make_default
        self._warn(request, obj)

    @admin.action(description=gettext_lazy("Enable: offer in Ashby"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Package]) -> None:
        self._switch(request, queryset, to=True)

    @admin.action(description=gettext_lazy("Disable: do not offer in Ashby"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Package]) -> None:
        self._switch(request, queryset, to=False)

    def _switch(self, request: HttpRequest, packages: QuerySet[Package], *, to: bool) -> None:
        permitted = [package for package in packages if self.has_change_permission(request, package)]
        for package in permitted:
            package.is_active = to
            package.save(update_fields=["is_active"])
            self.log_change(request, package, _("Enabled.") if to else _("Disabled."))
            self._warn(request, package)
        text = ngettext("%(count)d package was changed.", "%(count)d packages were changed.", len(permitted))
        self.message_user(request, text % {"count": len(permitted)}, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Make default for jobs without a package"), permissions=["change"])
    def make_default(self, request: HttpRequest, queryset: QuerySet[Package]) -> None:
        permitted = [package for package in queryset if self.has_change_permission(request, package)]
        if len({package.organization_id for package in permitted}) != len(permitted) or not permitted:
            self.message_user(request, _("Select one package per organization."), messages.ERROR)
            return
        for package in permitted:
            try:
                set_default_package(package.organization, package)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)
                continue
            self.log_change(request, package, _("Made the default package."))
            text = _("“%(package)s” is now the default package of %(organization)s.")
            text %= {"package": package, "organization": package.organization}
            self.message_user(request, text, messages.SUCCESS)

    def _warn(self, request: HttpRequest, package: Package) -> None:
        """Tells the person what happens to starts with a package that is not offered."""
        if package.is_offered:
            return
        if package.current.is_offered:
            text = _(
                "%(package)s is replaced by %(replacement)s: jobs, the default and interview plans "
                "in Ashby that name the old package now order the new one."
            )
            text %= {"package": package.label_and_id, "replacement": package.current.label_and_id}
            self.message_user(request, text)
            return
        if jobs := package.mappings.count():
            text = ngettext(
                "%(count)d job is mapped to “%(package)s”, which is not offered. Starting “Package for "
                "this job” is refused with a message to contact an admin. Map the job to another package.",
                "%(count)d jobs are mapped to “%(package)s”, which is not offered. Starting “Package for "
                "this job” is refused with a message to contact an admin. Map the jobs to another package.",
                jobs,
            )
            self.message_user(request, text % {"count": jobs, "package": package}, messages.WARNING)
        if package.is_default:
            text = _(
                "“%(package)s” is the default package but is not offered, so jobs without their "
                "own package get none. Make another package the default."
            )
            self.message_user(request, text % {"package": package}, messages.WARNING)


def listed_organization(request: HttpRequest) -> Organization | None:
    """Return the organization of the list: the selected one, or the only one that the person may see."""
    visible = organizations_of(request.user, "integrations.view_package", "integrations.change_package")
    slug = request.GET.get("organization", "").replace("\x00", "")
    found = list((visible.filter(slug=slug) if slug else visible)[:2])
    return found[0] if len(found) == 1 else None


def _offered(organization: Organization | None) -> str:
    if organization is None:
        return ""
    packages = list(organization.packages.all())
    offered = [package for package in packages if package.is_offered]
    by_job = (
        any(package.is_default and package.current.is_offered for package in packages)
        or organization.jobs.exclude(mapping=None).exists()
    )
    text = ngettext(
        "%(count)d package is offered in Ashby", "%(count)d packages are offered in Ashby", len(offered)
    )
    return text % {"count": len(offered)} + (_(" and “Package for this job”.") if by_job else ".")


def _unconfirmed(organization: Organization | None) -> str:
    """A sentence about packages whose withdrawal a person has to confirm on the set-up page."""
    fetched = last_job(organization, ConnectionJob.Kind.PACKAGES) if organization else None
    count = len(unconfirmed_packages(fetched))
    text = ngettext(
        "Justifacts no longer lists %(count)d package. Recruiters can still choose it.",
        "Justifacts no longer lists %(count)d packages. Recruiters can still choose them.",
        count,
    )
    return text % {"count": count} if count else ""
