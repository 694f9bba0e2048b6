"""Organizations: a list that says how each is, and a guided set-up for one."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.accounts.roles import organizations_of
from integrations.admin.base import TenantModelAdmin
from integrations.admin.onboarding.views import SetupViews
from integrations.models import Connection, Organization

CHANGE_CONNECTION = "integrations.change_connection"


@admin.register(Organization)
class OrganizationAdmin(TenantModelAdmin):
    organization_path = "pk"
    list_display = ["name", "how_it_is", "set_up"]
    list_select_related = ["connection"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = [
        *("name", "slug", "created_at", "require_two_factor", "retention_days"),
        *("poll_days_after_completion", "adverse_action_url"),
    ]

    def organization_of(self, row: Any) -> Organization:
        organization: Organization = row
        return organization

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Commands and people find an organization by its names: who may add one may change them."""
        return ["created_at"] if self.has_add_permission(request) else ["name", "slug", "created_at"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its orders have to be explained for years; one that left is switched off."""
        return False

    @admin.display(description=gettext_lazy("status"))
    def how_it_is(self, organization: Organization) -> str:
        connection: Connection | None = getattr(organization, "connection", None)
        tone, text = _standing(connection)
        return format_html('<span class="status {}">{}</span>', tone, text)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        own = organizations_of(request.user, CHANGE_CONNECTION).filter(pk=OuterRef("pk"))
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(may_be_set_up=Exists(own))

    @admin.display(description=gettext_lazy("set-up"))
    def set_up(self, organization: Any) -> str:
        if not organization.may_be_set_up:
            return "–"
        address = reverse("admin:integrations_organization_setup", args=[organization.pk])
        return format_html(
            '<a href="{}">{}<span class="visually-hidden"> {}</span></a>', address, _("Set up"), organization
        )

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """A new organization is set up next."""
        answer = super().response_add(request, obj, post_url_continue)
        if "_save" in request.POST:
            return HttpResponseRedirect(reverse("admin:integrations_organization_setup", args=[obj.pk]))
        return answer

    def get_urls(self) -> list[URLPattern]:
        views = SetupViews(self)
        own: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("<int:pk>/setup/", views.page, "setup"),
            ("<int:pk>/setup/live/", views.live, "setup_live"),
            ("<int:pk>/setup/<slug:step>/save/", views.save, "setup_save"),
            ("<int:pk>/setup/use-key/<int:key>/", views.use_key, "setup_use_key"),
            ("<int:pk>/setup/<slug:kind>/ask/", views.ask, "setup_ask"),
        ]
        return [
            path(route, self.admin_site.admin_view(view), name=f"integrations_organization_{name}")
            for route, view, name in own
        ] + super().get_urls()

    def to_set_up(self, request: HttpRequest, pk: int) -> Organization:
        """The organization, for somebody who may set it up. Any other does not exist for them."""
        organization = self.get_queryset(request).filter(pk=pk).first()
        if organization is None or not request.user.has_perm(CHANGE_CONNECTION, organization):
            raise Http404
        return organization


def _standing(connection: Connection | None) -> tuple[str, str]:
    if connection is None or not (connection.verification_key and connection.last_inbound_call_at):
        return "status-accepted", _("Not set up yet")
    if not connection.is_enabled:
        return "status-accepted", _("Disabled")
    if connection.paused_at:
        return "status-attention", _("Paused: Ashby refuses the key")
    if connection.ashby_problem or connection.justifacts_problem:
        return "status-attention", _("The last call failed")
    return "status-complete", _("Works")
