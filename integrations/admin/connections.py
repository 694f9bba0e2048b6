"""Connections: their settings and the health of both endpoints. The set-up has its own page."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.admin.secret_fields import SecretField
from integrations.background import enqueue
from integrations.connections.api_keys import save_with_verification_key, set_verification_key
from integrations.encryption.secrets import Secret
from integrations.http.urls import validate_outbound_url
from integrations.models import Connection, ConnectionJob
from integrations.onboarding.jobs import request_job
from integrations.tasks import run_connection_job
from integrations.text import format_utc


class ConnectionForm(forms.ModelForm):
    # An empty secret field keeps the stored one, so removing it needs a field.
    remove_webhook = forms.BooleanField(label=gettext_lazy("Remove the chat webhook"), required=False)

    class Meta:
        model = Connection
        fields = [
            *("organization", "is_enabled", "verification_key", "staging_base_url", "report_hosts"),
            "chat_webhook",
        ]
        labels = {"staging_base_url": gettext_lazy("Justifacts URL")}
        widgets = {
            "staging_base_url": forms.TextInput(attrs={"class": "vLargeTextField"}),
            "report_hosts": forms.Textarea(attrs={"class": "vLargeTextField", "rows": 3}),
        }
        help_texts = {
            "staging_base_url": gettext_lazy("Called the staging base URL of Justifacts in Ashby's guide.")
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["verification_key"] = SecretField(
            stored=self.instance.verification_key,
            label=_("Verification key"),
            help_text=_(
                "The key that Justifacts e-mailed. Ashby uses it to sign in to the portal, and the "
                "portal uses it to sign in to Justifacts."
            ),
        )
        self.fields["chat_webhook"] = SecretField(
            stored=self.instance.chat_webhook,
            label=_("Chat webhook"),
            help_text=_(
                "Optional: an incoming webhook of Slack or a compatible chat. It receives the "
                "organization’s notifications. Anyone with the URL can post there, so it is stored "
                "as a secret."
            ),
        )
        self.initial.pop("verification_key", None)
        self.initial.pop("chat_webhook", None)

    def clean_chat_webhook(self) -> Secret | str:
        webhook: Secret | str = self.cleaned_data["chat_webhook"]
        if "chat_webhook" in self.changed_data and isinstance(webhook, Secret):
            validate_outbound_url(webhook.reveal())
        return webhook

    def clean(self) -> dict[str, Any]:
        if "verification_key" in self.errors:
            # The form is invalid already; an unreadable key would raise in ``Connection.clean``.
            self.instance.verification_key = Secret("")
        cleaned = super().clean() or {}
        if cleaned.get("remove_webhook"):
            cleaned["chat_webhook"] = Secret("")
        return cleaned


def _moment(field: str, description: Any) -> Callable[..., str]:
    """A column that shows the time in this field."""

    @admin.display(description=description, ordering=field)
    def moment(model_admin: admin.ModelAdmin, connection: Connection) -> str:
        return _time(getattr(connection, field))

    return moment


@admin.register(Connection)
class ConnectionAdmin(TenantModelAdmin):
    forbidden = ("delete",)  # Orders refer to their connection. An unwanted one is disabled.
    form = ConnectionForm
    list_display = ["organization", "is_enabled", "ashby_health", "justifacts_health", "last_ashby_call"]
    list_filter = [OrganizationFilter, "is_enabled", ("paused_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["organization__name", "organization__slug"]
    autocomplete_fields = ["organization"]
    actions = ["test_connections", "fetch_packages", "fetch_jobs"]
    readonly_fields = [
        *("verification_keys", "ashby_keys", "ashby_base_url", "ashby_health", "justifacts_health"),
        *("paused_since", "last_ashby_call", "last_ashby_success", "last_justifacts_response", "last_check"),
    ]
    fieldsets = [
        (None, {"fields": ["organization", "is_enabled", "verification_key", "staging_base_url"]}),
        (
            gettext_lazy("Reports"),
            {
                "fields": ["report_hosts"],
                "description": gettext_lazy(
                    "A report is shown as a link if it is hosted at justifacts.com, at the host of the "
                    "Justifacts URL above, or at one of these hosts."
                ),
            },
        ),
        (gettext_lazy("Notifications"), {"fields": ["chat_webhook", "remove_webhook"]}),
        (gettext_lazy("Keys and their use"), {"fields": ["verification_keys", "ashby_keys"]}),
        (
            gettext_lazy("What to paste into Ashby"),
            {
                "fields": ["ashby_base_url"],
                "description": gettext_lazy(
                    "In Ashby: Admin > Integrations > Integrations > Justifacts. Paste the "
                    "verification key into “Justifacts Credential Verification API Key” and this URL "
                    "into “Staging Base URL”."
                ),
            },
        ),
        (
            gettext_lazy("Health"),
            {
                "fields": [
                    *("ashby_health", "paused_since", "last_ashby_call", "last_ashby_success"),
                    *("justifacts_health", "last_justifacts_response", "last_check"),
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Connection | None = None) -> list[str]:
        return [*self.readonly_fields, *(["organization"] if obj else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Connection | None = None) -> list[Any]:
        """The form for a new connection has only the first group."""
        return self.fieldsets if obj else self.fieldsets[:1]

    @admin.display(description=gettext_lazy("Staging Base URL in Ashby"))
    def ashby_base_url(self, connection: Connection) -> SafeString:
        return format_html('<code class="to-copy">{}</code>', connection.ashby_base_url)

    @admin.display(description=gettext_lazy("Verification keys"))
    def verification_keys(self, connection: Connection) -> SafeString:
        """The key in use, and the previous keys that are still valid."""
        usage = _usage(connection.verification_key_first_used_at, connection.verification_key_last_used_at)
        if not connection.verification_key:
            return format_html("{}", _("None yet: Ashby cannot call the portal."))
        now = format_html("<li>{} {} {}</li>", connection.verification_key, _in_use(), usage)
        replaced = format_html_join(
            "",
            '<li>{} {} {} <a href="{}">{}</a></li>',
            (
                (
                    key,
                    _("replaced %(day)s, still works;") % {"day": _time(key.replaced_at)},
                    _usage(key.first_used_at, key.last_used_at),
                    reverse("admin:integrations_previousverificationkey_delete", args=[key.pk]),
                    _("Retire"),
                )
                for key in connection.organization.previous_verification_keys.all()
            ),
        )
        return format_html('<ul class="plain-list">{}{}</ul>', now, replaced)

    @admin.display(description=gettext_lazy("Ashby API keys"))
    def ashby_keys(self, connection: Connection) -> SafeString:
        lines = format_html_join(
            "",
            '<li><a href="{}">{}</a> {} {}</li>',
            (
                (
                    reverse("admin:integrations_ashbyapikey_change", args=[key.pk]),
                    key,
                    _in_use() if key.is_selected else "",
                    _usage(key.first_used_at, key.last_used_at),
                )
                for key in connection.organization.ashby_api_keys.all()
            ),
        )
        return format_html(
            '<ul class="plain-list">{}<li><a href="{}?organization={}">{}</a></li></ul>',
            lines or format_html("<li>{}</li>", _("None yet: updates cannot be sent to Ashby.")),
            reverse("admin:integrations_ashbyapikey_add"),
            connection.organization_id,
            _("Add a key"),
        )

    @admin.display(description=gettext_lazy("Ashby"))
    def ashby_health(self, connection: Connection) -> str:
        if connection.paused_at:
            return _("Paused: %(reason)s") % {"reason": connection.pause_reason}
        return connection.ashby_problem or _works(connection.ashby_last_success_at)

    @admin.display(description=gettext_lazy("Justifacts"))
    def justifacts_health(self, connection: Connection) -> str:
        return connection.justifacts_problem or _works(connection.justifacts_answered_at)

    paused_since = _moment("paused_at", gettext_lazy("deliveries paused since"))
    last_ashby_call = _moment("last_inbound_call_at", gettext_lazy("last call from Ashby"))
    last_ashby_success = _moment("ashby_last_success_at", gettext_lazy("last successful call to Ashby"))
    last_justifacts_response = _moment(
        "justifacts_answered_at", gettext_lazy("last response from Justifacts")
    )
    last_check = _moment("checked_at", gettext_lazy("last checked"))

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        if "verification_key" in form.changed_data:
            set_verification_key(obj, obj.verification_key, request.user.get_username())
        save_with_verification_key(obj)

    @admin.action(
        description=gettext_lazy("Test the connection to Ashby and Justifacts"), permissions=["change"]
    )
    def test_connections(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        self._request_jobs(request, queryset, ConnectionJob.Kind.TEST)

    @admin.action(description=gettext_lazy("Fetch packages from Justifacts"), permissions=["change"])
    def fetch_packages(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        self._request_jobs(request, queryset, ConnectionJob.Kind.PACKAGES)

    @admin.action(description=gettext_lazy("Fetch jobs from Ashby"), permissions=["change"])
    def fetch_jobs(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        self._request_jobs(request, queryset, ConnectionJob.Kind.JOBS)

    def _request_jobs(
        self, request: HttpRequest, connections: QuerySet[Connection], kind: ConnectionJob.Kind
    ) -> None:
        permitted = [row for row in connections if self.has_change_permission(request, row)]
        for connection in permitted:
            job = request_job(connection.organization, kind, request.user.get_username())
            enqueue(run_connection_job, job.pk)
        text = ngettext(
            ("Running in the background for %(count)d organization. Its set-up page shows the results."),
            ("Running in the background for %(count)d organizations. Their set-up pages show the results."),
            len(permitted),
        )
        self.message_user(request, text % {"count": len(permitted)})


def _in_use() -> SafeString:
    return format_html('<span class="status state-delivered">{}</span>', _("in use"))


def _usage(first: datetime | None, last: datetime | None) -> str:
    if last is None:
        return _("not used yet")
    return _("first used %(first)s, last %(last)s") % {"first": _time(first), "last": _time(last)}


def _works(answered_at: datetime | None) -> str:
    return _("Works") if answered_at else _("Not tested yet")


def _time(time: datetime | None) -> str:
    return format_utc(time) if time else "–"
