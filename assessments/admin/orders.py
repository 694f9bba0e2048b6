"""Orders: support finds one, reads why it waits, and sets it going again."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from assessments.models import Order
from assessments.services.explain import next_in_short, where_it_stands
from assessments.services.retry import poll_now, retry
from assessments.tasks import call_justifacts, deliver, nudge, poll

from .filters import ProblemFilter, waiting_for_ashby
from .readonly import ReadOnly


@admin.register(Order)
class OrderAdmin(ReadOnly, ModelAdmin):
    list_display = [
        *("candidate", "organization", "package", "job_name", "coloured_status", "result", "age"),
        *("what_happens_next", "needs_attention"),
    ]
    list_display_links = ["candidate"]
    list_filter = [ProblemFilter, "status", "result", "organization", "package", "created_at"]
    list_per_page = 50
    search_fields = [
        *("candidate_first_name", "candidate_last_name", "candidate_email", "justifacts_order_id"),
        *("=assessment_id", "application_id", "candidate_id", "job_name", "job_id"),
    ]
    search_help_text = "A candidate's name or e-mail, an order number at Justifacts, an id, or a job."
    date_hierarchy = "created_at"
    actions = ["retry_now", "poll_orders_now"]
    fieldsets = [
        (None, {"fields": ["coloured_status", "result", "end_reason", "report_url", "justifacts_status"]}),
        (
            "The order",
            {
                "fields": [
                    *("organization", "package", "by_job_mapping", "assessment_id", "justifacts_order_id"),
                    *("created_at", "placed_at", "completed_at"),
                ]
            },
        ),
        (
            "Candidate and job",
            {
                "fields": [
                    *("candidate", "candidate_email", "candidate_id", "application_id", "job_name", "job_id"),
                    "additional_fields",
                ]
            },
        ),
        (
            "What the portal does next",
            {"fields": ["next_call", "next_call_at", "call_failures", "call_error", "polled_at"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.select_related("organization__connection", "package").annotate(
            waits_for_ashby=waiting_for_ashby()
        )

    @admin.display(description="candidate", ordering="candidate_last_name")
    def candidate(self, order: Order) -> str:
        return order.candidate_name or str(order.assessment_id)[:8]

    @admin.display(description="status", ordering="status")
    def coloured_status(self, order: Order) -> SafeString:
        return format_html(
            '<span class="status status-{}">{}</span>', order.status, order.get_status_display()
        )

    @admin.display(description="for", ordering="status_since")
    def age(self, order: Order) -> str:
        return _in_short(timezone.now() - order.status_since)

    @admin.display(description="what happens next")
    def what_happens_next(self, order: Order) -> str:
        waits = bool(getattr(order, "waits_for_ashby", False))
        return next_in_short(order, waits_for_ashby=waits, now=timezone.now())

    # --- Setting going again ------------------------------------------------------------------

    @admin.action(description="Retry now: make everything that waits due")
    def retry_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        done = sum(bool(self._retry(request, order)) for order in queryset)
        self.message_user(request, f"{done} of {queryset.count()} orders had something to retry.")

    @admin.action(description="Poll now: ask Justifacts for the status")
    def poll_orders_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        done = sum(self._poll(request, order) for order in queryset)
        self.message_user(request, f"{done} of {queryset.count()} orders are asked for now.")

    def _retry(self, request: HttpRequest, order: Order) -> list[str]:
        done = retry(order.pk, request.user.get_username())
        nudge(call_justifacts, str(order.pk))
        nudge(deliver, str(order.pk))
        return done

    def _poll(self, request: HttpRequest, order: Order) -> bool:
        asked = poll_now(order.pk, request.user.get_username())
        if asked:
            nudge(poll, [str(order.pk)])
        return asked

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<uuid:pk>/retry/",
                self.admin_site.admin_view(self.retry_view),
                name="assessments_order_retry",
            ),
            path(
                "<uuid:pk>/poll/", self.admin_site.admin_view(self.poll_view), name="assessments_order_poll"
            ),
            *super().get_urls(),
        ]

    def retry_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        done = self._retry(request, get_object_or_404(self.get_queryset(request), pk=pk))
        text = f"Asked to {' and to '.join(done)}." if done else "Nothing waits for this order."
        self.message_user(request, text, messages.SUCCESS if done else messages.INFO)
        return self._back(pk)

    def poll_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self._poll(request, get_object_or_404(self.get_queryset(request), pk=pk)):
            self.message_user(request, "Justifacts is asked for the status now.", messages.SUCCESS)
        else:
            self.message_user(request, "There is nothing to ask Justifacts for.", messages.INFO)
        return self._back(pk)

    def _back(self, pk: Any) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:assessments_order_change", args=[pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        extra: dict[str, Any] = {"title": "Order", "show_close": True, **(extra_context or {})}
        if order is not None:
            extra |= {
                "order": order,
                "where_it_stands": where_it_stands(order, timezone.now()),
                "events": order.events.order_by("-at", "-pk"),
                "updates": order.updates.order_by("-sequence").prefetch_related("attempts"),
                "attempts": order.attempts.filter(update=None).order_by("-at", "-pk"),
                "inbound_calls": order.inbound_calls.order_by("-received_at", "-pk"),
            }
        return super().change_view(request, object_id, form_url, extra)


def _in_short(age: timedelta) -> str:
    """An age in its largest unit."""
    seconds = max(int(age.total_seconds()), 0)
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
