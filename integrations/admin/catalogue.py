"""Packages, jobs, mappings and custom fields."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin, TabularInline
from django.http import HttpRequest

from integrations.catalogue import set_default_package
from integrations.models import CustomField, Job, JobPackageMapping, Package


@admin.register(Package)
class PackageAdmin(ModelAdmin):
    list_display = ["label", "organization", "justifacts_id", "is_active", "is_default", "withdrawn_at"]
    list_filter = ["organization", "is_active", "is_default", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["name", "ashby_name", "justifacts_id", "assessment_type_id"]
    fields = [
        *("organization", "name", "justifacts_id", "assessment_type_id", "ashby_name", "description"),
        *("is_active", "is_default", "withdrawn_at"),
    ]
    readonly_fields = [
        "organization", "name", "justifacts_id", "assessment_type_id", "description", "withdrawn_at"
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Packages come from Justifacts: “Fetch packages” on the connection."""
        return False

    def save_model(self, request: HttpRequest, obj: Package, form: Any, change: bool) -> None:
        wanted, obj.is_default = obj.is_default, form.initial.get("is_default", False)
        super().save_model(request, obj, form, change)
        if wanted != obj.is_default:
            set_default_package(obj.organization, obj if wanted else None)
            obj.is_default = wanted


class PackageChoice(forms.ModelChoiceField):
    """Packages of two organizations may have one name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.organization}: {obj}"


class MappingForm(forms.ModelForm):
    """The packages of the job's own organization, where the job is known already."""

    package = PackageChoice(Package.objects.none())

    class Meta:
        model = JobPackageMapping
        fields = ["job", "package", "is_strict"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        packages = Package.objects.select_related("organization").order_by("organization", "name")
        if self.instance.job_id:
            packages = packages.filter(organization=self.instance.job.organization_id)
        cast(PackageChoice, self.fields["package"]).queryset = packages


class MappingOfJob(TabularInline):
    model = JobPackageMapping
    fields = ["package", "is_strict"]
    verbose_name = verbose_name_plural = "Package of this job"

    def get_formset(self, request: HttpRequest, obj: Job | None = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        if obj is not None:
            package = formset.form.base_fields["package"]
            package.queryset = Package.objects.filter(organization=obj.organization_id)
            package.widget = package.widget.widget  # Without buttons to edit the package itself.
            package.widget.choices = package.choices
        return formset


@admin.register(Job)
class JobAdmin(ModelAdmin):
    list_display = ["title", "organization", "status", "requisition_id", "mapped_to"]
    list_filter = ["organization", "status"]
    list_select_related = ["organization", "mapping__package"]
    search_fields = ["title", "ashby_id", "requisition_id", "organization__name"]

    def get_inlines(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """A job is saved first, so that its organization is known."""
        return [MappingOfJob] if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:
        """What Ashby says is Ashby's to change: “Fetch jobs” on the connection."""
        return ["organization", "ashby_id", "title", "status", "requisition_id"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Job | None = None) -> Any:
        own = ["organization", "ashby_id", "title"]
        return [*own, "status", "requisition_id"] if obj else own

    @admin.display(description="package")
    def mapped_to(self, job: Job) -> str:
        mapping = getattr(job, "mapping", None)
        if mapping is None:
            return "–"
        return f"{mapping.package} (strict)" if mapping.is_strict else str(mapping.package)


@admin.register(JobPackageMapping)
class JobPackageMappingAdmin(ModelAdmin):
    form = MappingForm
    list_display = ["job", "package", "is_strict", "organization"]
    list_filter = ["job__organization", "is_strict"]
    list_select_related = ["job__organization", "package"]
    autocomplete_fields = ["job"]
    search_fields = ["job__title", "package__name"]

    @admin.display(ordering="job__organization")
    def organization(self, mapping: JobPackageMapping) -> str:
        return str(mapping.job.organization)


class CustomFieldForm(forms.ModelForm):
    def clean_possible_values(self) -> Any:
        """An emptied field means no values."""
        values = self.cleaned_data["possible_values"]
        return [] if values is None else values


@admin.register(CustomField)
class CustomFieldAdmin(ModelAdmin):
    form = CustomFieldForm
    list_display = ["name", "organization", "type", "is_required", "position"]
    list_filter = ["organization", "type"]
    list_select_related = ["organization"]
    search_fields = ["name"]
