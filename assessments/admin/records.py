"""Updates, attempts, events and inbound calls, each as a list of its own."""

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse

from assessments.models import Attempt, Event, Heartbeat, InboundCall, Update
from assessments.services.retry import set_aside
from assessments.tasks import deliver, nudge

from .readonly import ReadOnly


@admin.register(Update)
class UpdateAdmin(ReadOnly, ModelAdmin):
    list_display = ["summary", "order", "sequence", "state", "attempt_count", "due_at", "last_error"]
    list_filter = ["state", "order__organization"]
    list_select_related = ["order"]
    search_fields = ["order__assessment_id", "order__justifacts_order_id", "summary"]
    ordering = ["-pk"]
    actions = ["set_aside"]

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Nobody edits an update; who may set one aside has the permission to change it."""
        return request.user.has_perm("assessments.change_update")

    @admin.action(
        description="Set aside, so that the later updates of the order can go", permissions=["handle"]
    )
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Update]) -> None:
        for update in queryset:
            self._set_aside(request, update)

    def _set_aside(self, request: HttpRequest, update: Update) -> None:
        if set_aside(update.pk, request.user.get_username()):
            nudge(deliver, str(update.order_id))
            self.message_user(request, f"“{update.summary}” is set aside.", messages.SUCCESS)
        else:
            self.message_user(
                request, f"“{update.summary}” cannot be set aside: it is not waiting.", messages.WARNING
            )

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:pk>/set-aside/",
                self.admin_site.admin_view(self.set_aside_view),
                name="assessments_update_set_aside",
            ),
            *super().get_urls(),
        ]

    def set_aside_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The button beside a refused update on the order's page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_handle_permission(request):
            raise PermissionDenied
        update = get_object_or_404(Update, pk=pk)
        self._set_aside(request, update)
        return HttpResponseRedirect(reverse("admin:assessments_order_change", args=[update.order_id]))


@admin.register(Attempt)
class AttemptAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "call", "outcome", "http_status", "milliseconds", "request_id", "order"]
    list_filter = ["call", "outcome", "order__organization"]
    list_select_related = ["order"]
    search_fields = ["order__assessment_id", "request_id"]
    ordering = ["-pk"]


@admin.register(Event)
class EventAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "source", "summary", "order"]
    list_filter = ["source", "kind", "order__organization"]
    list_select_related = ["order"]
    search_fields = ["order__assessment_id"]
    ordering = ["-pk"]


@admin.register(InboundCall)
class InboundCallAdmin(ReadOnly, ModelAdmin):
    list_display = ["received_at", "source", "name", "http_status", "outcome", "organization", "order"]
    list_filter = ["source", "name", "http_status", "organization"]
    list_select_related = ["organization", "order"]
    search_fields = ["request_id", "order__assessment_id"]


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, ModelAdmin):
    list_display = ["name", "at"]
