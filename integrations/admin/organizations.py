"""Organizations, their connections and their Ashby API keys."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations.catalogue import Synced, sync_jobs, sync_packages
from integrations.connections import check, select_ashby_key
from integrations.errors import CallFailed
from integrations.fields import blind_indexes
from integrations.models import AshbyApiKey, Connection, Organization

from .secrets import SecretField


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["created_at"]


class ConnectionForm(forms.ModelForm):
    class Meta:
        model = Connection
        fields = ["organization", "is_enabled", "verification_key", "staging_base_url"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verification_key"] = SecretField(
            stored=self.instance.verification_key,
            label="Verification key",
            help_text="The key that Justifacts e-mailed. Ashby signs in to us with it, and we to Justifacts.",
        )
        self.initial.pop("verification_key", None)


@admin.register(Connection)
class ConnectionAdmin(ModelAdmin):
    form = ConnectionForm
    list_display = ["organization", "is_enabled", "ashby_side", "justifacts_side", "ashby_called_at"]
    list_filter = ["is_enabled", ("paused_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "organization__slug"]
    autocomplete_fields = ["organization"]
    actions = ["check_connections", "fetch_packages", "fetch_jobs"]
    readonly_fields = [
        *("ashby_base_url", "paused_at", "pause_reason", "ashby_problem", "justifacts_problem"),
        *("ashby_called_at", "ashby_answered_at", "justifacts_answered_at", "checked_at"),
    ]
    fieldsets = [
        (None, {"fields": ["organization", "is_enabled", "verification_key", "staging_base_url"]}),
        (
            "What to paste into Ashby",
            {
                "fields": ["ashby_base_url"],
                "description": "In Ashby: Admin > Integrations > Integrations > Justifacts. The verification "
                "key goes into “Justifacts Credential Verification API Key”, this address into "
                "“Staging Base URL”.",
            },
        ),
        (
            "Health",
            {
                "fields": [
                    *("paused_at", "pause_reason", "ashby_problem", "justifacts_problem"),
                    *("ashby_called_at", "ashby_answered_at", "justifacts_answered_at", "checked_at"),
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> list[str]:
        return [*self.readonly_fields, *(["organization"] if obj else [])]

    @admin.display(description="Staging Base URL in Ashby")
    def ashby_base_url(self, connection: Connection) -> str:
        return connection.ashby_base_url

    @admin.display(description="Ashby")
    def ashby_side(self, connection: Connection) -> str:
        if connection.paused_at:
            return f"Paused: {connection.pause_reason}"
        return connection.ashby_problem or ("Works" if connection.ashby_answered_at else "Not tried yet")

    @admin.display(description="Justifacts")
    def justifacts_side(self, connection: Connection) -> str:
        if connection.justifacts_problem:
            return connection.justifacts_problem
        return "Works" if connection.justifacts_answered_at else "Not tried yet"

    @admin.action(description="Check the connection, both sides")
    def check_connections(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset.select_related("organization"):
            for finding in check(connection):
                level = messages.SUCCESS if finding.ok else messages.ERROR
                text = f"{connection.organization}, {finding.side}: {finding.text}"
                self.message_user(request, text, level)

    @admin.action(description="Fetch packages from Justifacts")
    def fetch_packages(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        self._fetch(request, queryset, sync_packages, "packages")

    @admin.action(description="Fetch jobs from Ashby")
    def fetch_jobs(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        self._fetch(request, queryset, sync_jobs, "jobs")

    def _fetch(self, request: HttpRequest, queryset: QuerySet[Connection], sync: Any, what: str) -> None:
        for connection in queryset.select_related("organization"):
            try:
                found: Synced = sync(connection)
            except CallFailed as error:
                self.message_user(request, f"{connection.organization}: {error.message}", messages.ERROR)
                continue
            self.message_user(
                request,
                f"{connection.organization}: {found.total} {what}; {len(found.added)} new, "
                f"{len(found.changed)} changed, {len(found.withdrawn)} withdrawn.",
                messages.SUCCESS,
            )


class AshbyApiKeyForm(forms.ModelForm):
    is_selected = forms.BooleanField(
        required=False,
        label="In use",
        help_text="Choosing this key takes the present one out of use; paused deliveries go on.",
    )

    class Meta:
        model = AshbyApiKey
        fields = ["organization", "name", "key"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        adding = self.instance.pk is None
        self.fields["key"] = SecretField(
            stored=None if adding else self.instance.key,
            required=True,
            label="Key",
            help_text="Ashby shows it once, when it is created.",
        )
        self.initial.pop("key", None)
        self.fields["is_selected"].initial = self.instance.is_selected

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if key := cleaned.get("key"):
            others = AshbyApiKey.objects.exclude(pk=self.instance.pk).filter(
                organization=self._organization(cleaned), key_index__in=blind_indexes(key.reveal())
            )
            if others.exists():
                self.add_error("key", "This organization has this key already.")
        return cleaned

    def _organization(self, cleaned: dict[str, Any]) -> Organization | None:
        return cleaned.get("organization") or (self.instance.organization if self.instance.pk else None)


@admin.register(AshbyApiKey)
class AshbyApiKeyAdmin(ModelAdmin):
    form = AshbyApiKeyForm
    list_display = ["name", "organization", "ending", "is_selected", "created_at"]
    list_filter = ["is_selected", "organization"]
    list_select_related = ["organization"]
    autocomplete_fields = ["organization"]
    actions = ["use_key"]

    def get_readonly_fields(self, request: HttpRequest, obj: AshbyApiKey | None = None) -> list[str]:
        return ["organization"] if obj else []

    @admin.display(description="key")
    def ending(self, key: AshbyApiKey) -> str:
        return str(key.key)

    def save_model(self, request: HttpRequest, obj: AshbyApiKey, form: Any, change: bool) -> None:
        if form.cleaned_data.get("is_selected"):
            select_ashby_key(obj)
        else:
            obj.is_selected = False
            obj.save()

    @admin.action(description="Use this key")
    def use_key(self, request: HttpRequest, queryset: QuerySet[AshbyApiKey]) -> None:
        if queryset.count() != 1:
            self.message_user(request, "Choose one key.", messages.ERROR)
            return
        key = queryset.select_related("organization").get()
        select_ashby_key(key)
        self.message_user(request, f"{key.organization} uses “{key.name}” now.", messages.SUCCESS)
