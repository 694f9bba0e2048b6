"""Packages, jobs, mappings and custom fields."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

from integrations.catalogue import set_default_package
from integrations.models import CustomField, Job, JobPackageMapping, Package


class PackageForm(forms.ModelForm):
    def validate_constraints(self) -> None:
        """Another default is no mistake: saving this one takes the other's place."""


@admin.register(Package)
class PackageAdmin(ModelAdmin):
    form = PackageForm
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


@admin.register(Job)
class JobAdmin(ModelAdmin):
    list_display = ["title", "organization", "status", "requisition_id", "mapped_to"]
    list_filter = ["organization", "status"]
    list_select_related = ["organization", "mapping__package"]
    search_fields = ["title", "ashby_id", "requisition_id"]

    @admin.display(description="package")
    def mapped_to(self, job: Job) -> str:
        mapping = getattr(job, "mapping", None)
        if mapping is None:
            return "–"
        return f"{mapping.package} (strict)" if mapping.is_strict else str(mapping.package)


@admin.register(JobPackageMapping)
class JobPackageMappingAdmin(ModelAdmin):
    list_display = ["job", "package", "is_strict", "organization"]
    list_filter = ["job__organization", "is_strict"]
    list_select_related = ["job__organization", "package"]
    autocomplete_fields = ["job", "package"]
    search_fields = ["job__title", "package__name"]

    @admin.display(ordering="job__organization")
    def organization(self, mapping: JobPackageMapping) -> str:
        return str(mapping.job.organization)


@admin.register(CustomField)
class CustomFieldAdmin(ModelAdmin):
    list_display = ["name", "organization", "type", "is_required", "position"]
    list_filter = ["organization", "type"]
    list_select_related = ["organization"]
    search_fields = ["name"]
