"""The list of orders, its search, its actions for many orders and its export as CSV."""

from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.admin.orders import filters
from assessments.admin.orders.detail import OrderPage
from assessments.admin.orders.mapping_preview import MappingPreview
from assessments.admin.orders.search import LISTED, newest_found, search
from assessments.admin.private_search import opened, sealed_query
from assessments.explanation.status_summary import next_step
from assessments.models import AshbyUpdate, Order
from assessments.support.retry import poll_now, retry
from assessments.tasks import enqueue_order_work, poll
from assessments.text import format_duration
from integrations.accounts.roles import organizations_of, visible_to
from integrations.admin.base import READ_ONLY, OrganizationFilter
from integrations.admin.long_lists import LongChangeList
from integrations.background import enqueue
from integrations.models import Organization
from integrations.web.csv_export import CSVDownload, csv_download, identifier

#: The most orders that one action processes, so that no request takes minutes.
MOST_AT_ONCE = 200
_MOST_JOB_CHARACTERS = 60
_EXPORTED = (
    *("assessment_id", "organization", "candidate", "email"),
    *("package", "job", "status", "status_since"),
    *("result", "needs_a_human"),
    *("reason", "justifacts_order_id"),
    *("application_id", "job_id"),
    *("started_at", "completed_at"),
    *("turnaround_minutes", "report_url"),
    *("legal_hold", "erased_at"),
)


class OrderChangeList(LongChangeList):
    @property
    def search_text(self) -> str:
        return opened(self.query)

    def get_results(self, request: HttpRequest) -> None:
        """Add ``waits_for_ashby`` to the orders of this page, with one query."""
        super().get_results(request)
        self.is_cut = bool(self.query) and self.result_count >= LISTED
        orders = self.result_list
        undelivered = AshbyUpdate.objects.filter(order__in=orders, state__in=AshbyUpdate.UNDELIVERED)
        waiting = set(undelivered.order_by().values_list("order_id", flat=True))
        for order in orders:
            order.waits_for_ashby = order.pk in waiting


@admin.register(Order)
class OrderAdmin(OrderPage, MappingPreview):
    forbidden = READ_ONLY
    list_display = [
        *("candidate", "package", "job_in_short", "coloured_status", "age", "what_happens_next"),
        "organization",
    ]
    list_display_links = ["candidate"]
    list_filter = [
        *(filters.ProblemFilter, OrganizationFilter, filters.PackageFilter, filters.StatusFilter),
        *(filters.ResultFilter, filters.JobFilter, filters.StartedFilter),
    ]
    sortable_by = ["job_in_short", "coloured_status", "age"]
    list_per_page = 50
    search_fields = ["pk"]  # Shows the search box; ``orders/search.py`` does the search.
    search_help_text = gettext_lazy(
        "Search by candidate name (at least three letters) or e-mail, Justifacts order number, ID or job."
    )
    actions = ["retry_now", "poll_orders_now"]

    def shows_candidate_data(self, page: str) -> bool:
        """The order's page and those of its buttons, also of future ones. An export is recorded as such."""
        return page not in ("add", "changelist", "export")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: QuerySet[Order] = super().get_queryset(request)
        return orders.select_related("organization__connection", "package")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LongChangeList]:
        return OrderChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """The export contains all matches, the list only the newest."""
        find = search if request.path == reverse("admin:assessments_order_export") else newest_found
        return find(queryset, opened(search_term)), False

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the column of organizations for a person who sees only one."""
        if organizations_of(request.user, "assessments.view_order")[:2].count() > 1:
            return self.list_display
        return [name for name in self.list_display if name != "organization"]

    @admin.display(description=gettext_lazy("candidate"))
    def candidate(self, order: Order) -> str:
        return order.candidate_name

    @admin.display(description=gettext_lazy("job"), ordering="job_name")
    def job_in_short(self, order: Order) -> str:
        """Shortened, because names of jobs in Ashby have any length."""
        return Truncator(order.job_name).chars(_MOST_JOB_CHARACTERS) or "–"

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def coloured_status(self, order: Order) -> SafeString:
        """The status and the result. The result is Justifacts' own text, and no colour suggests a failure."""
        status = format_html(
            '<span class="status status-{}">{}</span>', order.status, order.get_status_display()
        )
        if order.is_erased:
            return format_html('{} <span class="status status-accepted">{}</span>', status, _("Erased"))
        if order.stalled_since:
            return format_html('{} <span class="status status-attention">{}</span>', status, _("Stalled"))
        if not order.result:
            return status
        return format_html(
            '{} <span class="status result result-{}">{}</span>', status, slugify(order.result), order.result
        )

    @admin.display(description=gettext_lazy("for"), ordering="status_since")
    def age(self, order: Order) -> str:
        return format_duration(timezone.now() - order.status_since)

    @admin.display(description=gettext_lazy("what happens next"))
    def what_happens_next(self, order: Order) -> str:
        waits = getattr(order, "waits_for_ashby", False)
        text = next_step(order, waits_for_ashby=waits, now=timezone.now())
        if order.needs_attention:
            return format_html('<span class="status status-attention">{}</span>', text)
        return text

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "assessments.retry_order")

    def has_poll_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "assessments.poll_order")

    @admin.action(description=gettext_lazy("Retry pending work"), permissions=["retry"])
    def retry_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        orders = self._chosen(request, queryset, "assessments.retry_order")
        done = [order for order in orders if retry(order.pk, request.user.get_username())]
        enqueue_order_work(*(order.pk for order in done))
        text = _(
            "The portal is retrying %(done)d of %(all)d selected orders. The others have no pending work."
        )
        self.message_user(request, text % {"all": len(orders), "done": len(done)})

    @admin.action(description=gettext_lazy("Poll now"), permissions=["poll"])
    def poll_orders_now(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        orders = self._chosen(request, queryset, "assessments.poll_order")
        done = [str(order.pk) for order in orders if poll_now(order.pk, request.user.get_username())]
        enqueue(poll, done)
        text = _("The portal is polling %(done)d of %(all)d selected orders. The others cannot be polled.")
        self.message_user(request, text % {"all": len(orders), "done": len(done)})

    def _chosen(self, request: HttpRequest, orders: QuerySet[Order], permission: str) -> list[Order]:
        allowed = visible_to(request.user, orders, "organization", permission)
        chosen = list(allowed[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            text = _("Only the first %(most)d orders were processed. Repeat the action for the others.")
            self.message_user(request, text % {"most": MOST_AT_ONCE}, messages.WARNING)
        return chosen[:MOST_AT_ONCE]

    def get_urls(self) -> list[URLPattern]:
        own = path("export/", self.admin_site.admin_view(self.export_view), name="assessments_order_export")
        return [own, *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All orders that the list finds with the same filters and search, on all its pages."""
        if not self.may(request, "assessments.export_order"):
            raise PermissionDenied
        try:
            listed: QuerySet[Order] = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            # The list answers an invalid query in the same way.
            return HttpResponseRedirect(f"{reverse('admin:assessments_order_changelist')}?{ERROR_FLAG}=1")
        orders = visible_to(request.user, listed, "organization", "assessments.export_order")
        source = Order.objects.select_related("organization", "package")
        response = csv_download(request, "orders", _EXPORTED, orders, source, _cells)
        if isinstance(response, CSVDownload):
            # One look into each organization, instead of reading all orders to find all of theirs.
            of_organization = orders.order_by().filter(organization=OuterRef("pk"))
            organizations = Organization.objects.order_by("pk").filter(Exists(of_organization))
            response.organizations = list(organizations.values_list("pk", flat=True))
            text = _("Export of %(count)d orders")
            if response.has_more:
                text = _("Export of %(count)d orders or more")
            LogEntry.objects.create(
                user=cast(User, request.user),
                object_repr=text % {"count": response.count},
                action_flag=CHANGE,
            )
        return response

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        # The form for actions is posted here too; it has no search field.
        if request.method == "POST" and SEARCH_VAR in request.POST:
            return HttpResponseRedirect(f"{request.path}?{sealed_query(request.POST)}")
        extra = {"may_export": self.may(request, "assessments.export_order"), **(extra_context or {})}
        return super().changelist_view(request, extra)


def _cells(order: Order) -> list[str]:
    """The values of ``_EXPORTED``, in its rows."""
    minutes = order.turnaround_minutes
    return [
        *(str(order.assessment_id), order.organization.name, order.candidate_name, order.candidate_email),
        *(order.package.label, order.job_name, order.status, _time(order.status_since)),
        *(order.result, "yes" if order.needs_attention else "no"),
        *(order.attention_reason or order.closing_reason, identifier(order.justifacts_order_id)),
        *(identifier(order.application_id), identifier(order.job_id)),
        *(_time(order.created_at), _time(order.completed_at)),
        *("" if minutes is None else str(minutes), order.report_url),
        *("yes" if order.legal_hold else "no", _time(order.erased_at)),
    ]


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
