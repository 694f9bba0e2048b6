"""Organizations: the list with the state of each connection, and the way to the guided set-up."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts.roles import organizations_of
from integrations.admin.onboarding.views import CHANGE_CONNECTION, OnboardingAdmin
from integrations.models import Connection, Organization


@admin.register(Organization)
class OrganizationAdmin(OnboardingAdmin):
    # Its orders have to be explained for years. The connection of one that left is disabled.
    forbidden = ("delete",)
    organization_path = "pk"
    list_display = ["name", "connection_state", "set_up"]
    list_select_related = ["connection"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = [
        *("name", "slug", "created_at", "require_two_factor", "retention_days"),
        *("poll_days_after_completion", "adverse_action_url"),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Commands find an organization by its names, so only people who may add one may change them."""
        return ["created_at"] if self.has_add_permission(request) else ["name", "slug", "created_at"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    @admin.display(description=gettext_lazy("status"))
    def connection_state(self, organization: Organization) -> str:
        tone, text = _connection_state(getattr(organization, "connection", None))
        return format_html('<span class="status {}">{}</span>', tone, text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        may_change = organizations_of(request.user, CHANGE_CONNECTION).filter(pk=OuterRef("pk"))
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(may_be_set_up=Exists(may_change))

    @admin.display(description=gettext_lazy("set-up"))
    def set_up(self, organization: Any) -> str:
        if not organization.may_be_set_up:
            return "–"
        url = reverse("admin:integrations_organization_setup", args=[organization.pk])
        return format_html(
            '<a href="{}">{}<span class="visually-hidden"> {}</span></a>', url, _("Set up"), organization
        )

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """After a new organization has been saved, its set-up page follows."""
        response = super().response_add(request, obj, post_url_continue)
        if "_save" in request.POST:
            return HttpResponseRedirect(reverse("admin:integrations_organization_setup", args=[obj.pk]))
        return response


def _connection_state(connection: Connection | None) -> tuple[str, str]:
    if connection is None or not (connection.verification_key and connection.last_inbound_call_at):
        return "status-accepted", _("Not set up yet")
    if not connection.is_enabled:
        return "status-accepted", _("Disabled")
    if connection.paused_at:
        return "status-attention", _("Paused: Ashby refuses the key")
    if connection.ashby_problem or connection.justifacts_problem:
        return "status-attention", _("The last call failed")
    return "status-complete", _("Works")
