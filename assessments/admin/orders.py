"""Orders: support finds one, reads why it waits, and sets it going again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

from assessments.models import Order
from assessments.services.explain import in_largest_unit, next_in_short, where_it_stands
from assessments.services.retry import poll_now, retry
from assessments.services.waits import in_words
from assessments.tasks import call_justifacts, deliver, nudge, poll

from .filters import PackageFilter, ProblemFilter, waiting_for_ashby
from .readonly import ReadOnly
from .search import QuietSearch


@admin.register(Order)
class OrderAdmin(ReadOnly, QuietSearch):
    list_display = [
        *("short_id", "candidate", "coloured_status", "coloured_result", "age", "what_happens_next"),
        *("human", "organization", "package", "job_name"),
    ]
    list_display_links = ["short_id", "candidate"]
    list_filter = [
        ProblemFilter,
        "status",
        "result",
        ("organization", admin.RelatedOnlyFieldListFilter),
        ("package", PackageFilter),
        "created_at",
    ]
    list_per_page = 50
    search_fields = [
        *("candidate_first_name", "candidate_last_name", "candidate_email", "justifacts_order_id"),
        *("assessment_id", "application_id", "candidate_id", "job_name", "job_id"),
    ]
    search_help_text = "A candidate's name or e-mail, an order number at Justifacts, an id, or a job."
    date_hierarchy = "created_at"
    actions = ["retry_now", "poll_orders_now"]
    fieldsets = [
        ("Outcome", {"fields": ["coloured_result", "report", "end_reason", "justifacts_status"]}),
        (
            "The order",
            {
                "fields": [
                    *("organization", "package", "chosen_by", "assessment_id", "justifacts_order_id"),
                    *("created", "placed", "completed"),
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
            {"fields": ["next_call", "next_call_time", "call_failures", "call_error", "polled"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.select_related("organization__connection", "package").annotate(
            waits_for_ashby=waiting_for_ashby()
        )

    @admin.display(description="order", ordering="assessment_id")
    def short_id(self, order: Order) -> str:
        return str(order.assessment_id)[:8]

    @admin.display(description="candidate", ordering="candidate_last_name")
    def candidate(self, order: Order) -> str:
        return order.candidate_name

    @admin.display(description="status", ordering="status")
    def coloured_status(self, order: Order) -> SafeString:
        return format_html(
            '<span class="status status-{}">{}</span>', order.status, order.get_status_display()
        )

    @admin.display(description="result", ordering="result")
    def coloured_result(self, order: Order) -> str:
        """Justifacts' own word. None of them says that a person failed, and no colour does."""
        if not order.result:
            return "–"
        return format_html(
            '<span class="status result result-{}">{}</span>', slugify(order.result), order.result
        )

    @admin.display(description="report")
    def report(self, order: Order) -> str:
        if not order.report_url:
            return "–"
        return format_html('<a href="{0}" rel="noreferrer" target="_blank">{0}</a>', order.report_url)

    @admin.display(description="package chosen by")
    def chosen_by(self, order: Order) -> str:
        return "the job" if order.by_job_mapping else "the recruiter"

    @admin.display(description="created")
    def created(self, order: Order) -> str:
        return in_words(order.created_at)

    @admin.display(description="taken by Justifacts")
    def placed(self, order: Order) -> str:
        return _moment(order.placed_at)

    @admin.display(description="completed")
    def completed(self, order: Order) -> str:
        return _moment(order.completed_at)

    @admin.display(description="when")
    def next_call_time(self, order: Order) -> str:
        return _moment(order.next_call_at)

    @admin.display(description="last polled")
    def polled(self, order: Order) -> str:
        return _moment(order.polled_at)

    @admin.display(description="for", ordering="status_since")
    def age(self, order: Order) -> str:
        return in_largest_unit(timezone.now() - order.status_since)

    @admin.display(description="what happens next")
    def what_happens_next(self, order: Order) -> str:
        waits = bool(getattr(order, "waits_for_ashby", False))
        return next_in_short(order, waits_for_ashby=waits, now=timezone.now())

    @admin.display(description="human", ordering="-needs_attention")
    def human(self, order: Order) -> str:
        return (
            format_html('<span class="status status-human">{}</span>', "needed")
            if order.needs_attention
            else "–"
        )

    # --- Setting going again ------------------------------------------------------------------

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Nobody edits an order; who may set one going again has the permission to change it."""
        return request.user.has_perm("assessments.change_order")

    @admin.action(description="Retry now: make everything that waits due", permissions=["handle"])
    def retry_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        orders = list(queryset)
        done = sum(bool(self._retry(request, order)) for order in orders)
        self.message_user(request, f"{done} of {_orders(len(orders))} had something to retry.")

    @admin.action(description="Poll now: ask Justifacts for the status", permissions=["handle"])
    def poll_orders_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        orders = list(queryset)
        done = sum(self._poll(request, order) for order in orders)
        self.message_user(request, f"Justifacts is asked now for {done} of {_orders(len(orders))}.")

    def _retry(self, request: HttpRequest, order: Order) -> list[str]:
        done = retry(order.pk, request.user.get_username())
        nudge(call_justifacts, str(order.pk))
        nudge(poll, [str(order.pk)])
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

    def retry_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        done = self._retry(request, self._handled(request, pk))
        text = f"Asked to {' and to '.join(done)}." if done else "Nothing waits for this order."
        self.message_user(request, text, messages.SUCCESS if done else messages.INFO)
        return self._back(pk)

    def poll_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self._poll(request, self._handled(request, pk)):
            self.message_user(request, "Justifacts is asked for the status now.", messages.SUCCESS)
        else:
            self.message_user(request, "There is nothing to ask Justifacts for.", messages.INFO)
        return self._back(pk)

    def _handled(self, request: HttpRequest, pk: UUID) -> Order:
        if not self.has_handle_permission(request):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=pk)

    def _back(self, pk: UUID) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:assessments_order_change", args=[pk]))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Orders", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        extra: dict[str, Any] = {"title": "Order", "show_close": True, **(extra_context or {})}
        if order is not None:
            extra |= {
                "order": order,
                "may_handle": self.has_handle_permission(request),
                "where_it_stands": where_it_stands(order, timezone.now()),
                "events": order.events.order_by("-at", "-pk"),
                "updates": order.updates.order_by("-sequence").prefetch_related("attempts"),
                "attempts": order.attempts.filter(update=None).order_by("-at", "-pk"),
                "inbound_calls": order.inbound_calls.order_by("-received_at", "-pk"),
            }
        return super().change_view(request, object_id, form_url, extra)


def _moment(moment: datetime | None) -> str:
    return in_words(moment) if moment else "–"


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"
