"""Connections: the verification key, what to paste into Ashby, and the health of both sides."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.catalogue import Synced, sync_jobs, sync_packages
from integrations.connections import check
from integrations.errors import CallFailed
from integrations.fields import Secret
from integrations.models import AshbyApiKey, Connection

from .secrets import SecretField


class ConnectionForm(forms.ModelForm):
    class Meta:
        model = Connection
        fields = ["organization", "is_enabled", "verification_key", "staging_base_url"]
        labels = {"staging_base_url": "Justifacts' address"}
        widgets = {"staging_base_url": forms.TextInput(attrs={"class": "vLargeTextField"})}
        help_texts = {"staging_base_url": "What Ashby's guide calls the staging base URL of Justifacts."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verification_key"] = SecretField(
            stored=self.instance.verification_key,
            label="Verification key",
            help_text="The key that Justifacts e-mailed. Ashby signs in to us with it, and we to Justifacts.",
        )
        self.initial.pop("verification_key", None)

    def clean(self) -> dict[str, Any]:
        if "verification_key" in self.errors:
            # The form fails already; the model, which compares keys, must not meet an unreadable one.
            self.instance.verification_key = Secret("")
        return super().clean() or {}


@admin.register(Connection)
class ConnectionAdmin(ModelAdmin):
    form = ConnectionForm
    list_display = ["organization", "is_enabled", "ashby_side", "justifacts_side", "called"]
    list_filter = ["is_enabled", ("paused_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "organization__slug"]
    autocomplete_fields = ["organization"]
    actions = ["check_connections", "fetch_packages", "fetch_jobs"]
    readonly_fields = [
        *("ashby_keys", "ashby_base_url", "ashby_side", "justifacts_side"),
        *("paused", "called", "answered", "heard", "checked"),
    ]
    fieldsets = [
        (None, {"fields": ["organization", "is_enabled", "verification_key", "staging_base_url"]}),
        ("Ashby API keys", {"fields": ["ashby_keys"]}),
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
                    *("ashby_side", "paused", "called", "answered"),
                    *("justifacts_side", "heard", "checked"),
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> list[str]:
        return [*self.readonly_fields, *(["organization"] if obj else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> list[Any]:
        """A new connection has no health yet."""
        return self.fieldsets if obj else self.fieldsets[:1]

    def has_delete_permission(self, request: HttpRequest, obj: Connection | None = None) -> bool:
        """Orders are explained by their connection; one that is not wanted is switched off."""
        return False

    @admin.display(description="Staging Base URL in Ashby")
    def ashby_base_url(self, connection: Connection) -> SafeString:
        return format_html('<code class="to-copy">{}</code>', connection.ashby_base_url)

    @admin.display(description="Keys")
    def ashby_keys(self, connection: Connection) -> SafeString:
        keys = connection.organization.ashby_api_keys.all()
        lines = format_html_join(
            "",
            '<li><a href="{}">{}</a> {}</li>',
            (
                (reverse("admin:integrations_ashbyapikey_change", args=[key.pk]), key, _in_use(key))
                for key in keys
            ),
        )
        return format_html(
            '<ul class="plain-list">{}<li><a href="{}?organization={}">Add a key</a></li></ul>',
            lines or format_html("<li>{}</li>", "None yet: Ashby cannot be told anything."),
            reverse("admin:integrations_ashbyapikey_add"),
            connection.organization_id,
        )

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

    @admin.display(description="deliveries paused since")
    def paused(self, connection: Connection) -> str:
        return _moment(connection.paused_at)

    @admin.display(description="last call from Ashby", ordering="ashby_called_at")
    def called(self, connection: Connection) -> str:
        return _moment(connection.ashby_called_at)

    @admin.display(description="last call that Ashby took")
    def answered(self, connection: Connection) -> str:
        return _moment(connection.ashby_answered_at)

    @admin.display(description="last word from Justifacts")
    def heard(self, connection: Connection) -> str:
        return _moment(connection.justifacts_answered_at)

    @admin.display(description="last checked")
    def checked(self, connection: Connection) -> str:
        return _moment(connection.checked_at)

    # --- Calls that a person asks for ---------------------------------------------------------

    @admin.action(description="Check the connection, both sides", permissions=["change"])
    def check_connections(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset.select_related("organization"):
            self._check(request, connection)

    @admin.action(description="Fetch packages from Justifacts", permissions=["change"])
    def fetch_packages(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset.select_related("organization"):
            self._fetch(request, connection, sync_packages, "packages")

    @admin.action(description="Fetch jobs from Ashby", permissions=["change"])
    def fetch_jobs(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset.select_related("organization"):
            self._fetch(request, connection, sync_jobs, "jobs")

    def _check(self, request: HttpRequest, connection: Connection) -> None:
        for finding in check(connection):
            level = messages.SUCCESS if finding.ok else messages.ERROR
            self.message_user(request, f"{connection.organization}, {finding.side}: {finding.text}", level)

    def _fetch(
        self, request: HttpRequest, connection: Connection, sync: Callable[[Connection], Synced], what: str
    ) -> None:
        try:
            found = sync(connection)
        except CallFailed as error:
            self.message_user(request, f"{connection.organization}: {error.message}", messages.ERROR)
            return
        self.message_user(
            request,
            f"{connection.organization}: {found.total} {what}; {len(found.added)} new, "
            f"{len(found.changed)} changed, {len(found.withdrawn)} withdrawn.",
            messages.SUCCESS,
        )

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<int:pk>/{what}/now/",
                self.admin_site.admin_view(self.call_view),
                {"what": what},
                name=f"integrations_connection_{what}",
            )
            for what in ("check", "packages", "jobs")
        ] + super().get_urls()

    def call_view(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """A button of the connection's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        connection = get_object_or_404(Connection.objects.select_related("organization"), pk=pk)
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        if what == "check":
            self._check(request, connection)
        else:
            self._fetch(request, connection, sync_packages if what == "packages" else sync_jobs, what)
        return HttpResponseRedirect(reverse("admin:integrations_connection_change", args=[pk]))


def _in_use(key: AshbyApiKey) -> str:
    return format_html('<span class="status state-delivered">{}</span>', "in use") if key.is_selected else ""


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "–"
