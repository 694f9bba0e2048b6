"""Lists of updates, calls, events and heartbeats across all orders, the newest first."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from assessments.models import AshbyUpdate, CallAttempt, Heartbeat, InboundRequest, OrderEvent
from integrations.admin.base import READ_ONLY, HardenedModelAdmin, OrganizationFilter
from integrations.admin.long_lists import CappedPaginator, LongListAdmin


class _CallLogPaginator(CappedPaginator):
    def counted(self) -> int:
        """Fewer than of orders: for a row's organization, the count has to read the row's order."""
        return super().counted() // 10


class _CallLogAdmin(LongListAdmin):
    forbidden = READ_ONLY
    paginator = _CallLogPaginator
    ordering = ["-pk"]

    def shows_candidate_data(self, page: str) -> bool:
        return page in ("change", "history")


class _OfOrderAdmin(_CallLogAdmin):
    organization_path = "order__organization"
    list_select_related = ["order"]


@admin.register(AshbyUpdate)
class AshbyUpdateAdmin(_OfOrderAdmin):
    list_display = ["summary", "order", "sequence", "state", "attempt_count", "next_attempt_at", "last_error"]
    list_filter = ["state", OrganizationFilter]


@admin.register(CallAttempt)
class CallAttemptAdmin(_OfOrderAdmin):
    list_display = ["at", "call", "outcome", "http_status", "milliseconds", "request_id", "order"]
    list_filter = ["call", OrganizationFilter]
    search_fields = ["request_id__exact"]
    search_help_text = gettext_lazy("The request ID from Ashby.")


@admin.register(OrderEvent)
class OrderEventAdmin(_OfOrderAdmin):
    list_display = ["at", "source", "summary", "order"]
    list_filter = ["source", OrganizationFilter]


@admin.register(InboundRequest)
class InboundRequestAdmin(_CallLogAdmin):
    list_display = ["received_at", "source", "name", "http_status", "outcome", "organization", "order"]
    list_filter = ["source", OrganizationFilter]
    list_select_related = ["organization", "order"]
    search_fields = ["request_id__exact"]
    search_help_text = gettext_lazy("The portal’s request ID.")


@admin.register(Heartbeat)
class HeartbeatAdmin(HardenedModelAdmin):
    forbidden = READ_ONLY
    list_display = ["name", "at"]
