"""The reports of reconciliations, and the button that asks for one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.admin.read_only import ReadOnly
from assessments.models import Discrepancy, Reconciliation
from assessments.reconciliation.run import AlreadyRunning, begin
from assessments.tasks import reconcile_organization
from integrations.accounts.roles import organizations_of
from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.background import enqueue
from integrations.models import Organization

_PERMISSION = "assessments.reconcile"


class OutcomeFilter(admin.SimpleListFilter):
    """Reports by what came of them."""

    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("needs_review", gettext_lazy("With items to review")),
            ("resolved", gettext_lazy("With fixes")),
            ("not_checked", gettext_lazy("With orders not checked")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        known = [name for name, _label in self.lookup_choices]
        return queryset.filter(**{f"{chosen}__gt": 0}) if chosen in known else queryset


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnly, TenantModelAdmin):
    list_display = [
        *("started_at", "organization", "needs_review", "resolved", "not_checked", "orders_checked", "state"),
        "requested_by",
    ]
    list_filter = [OutcomeFilter, OrganizationFilter]
    list_select_related = ["organization"]
    show_full_result_count = False
    fields = [
        *("organization", "started_at", "ended_at", "requested_by", "orders_checked"),
        *("needs_review_lines", "what_was_fixed", "what_was_not_checked"),
    ]
    readonly_fields = ["needs_review_lines", "what_was_fixed", "what_was_not_checked"]

    @admin.display(description=gettext_lazy("state"))
    def state(self, report: Reconciliation) -> str:
        if report.ended_at is None:
            return _("running")
        return _("failed") if report.error else _("ended")

    @admin.display(description=gettext_lazy("needs review"))
    def needs_review_lines(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.NEEDS_REVIEW)

    @admin.display(description=gettext_lazy("fixed"))
    def what_was_fixed(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.RESOLVED)

    @admin.display(description=gettext_lazy("not checked"))
    def what_was_not_checked(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.NOT_CHECKED)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Why it did not end well stands first, and only where it did not."""
        fields = list(super().get_fields(request, obj))
        return ["error", *fields] if obj and obj.error else fields

    def get_urls(self) -> list[Any]:
        now = self.admin_site.admin_view(reconcile_now)
        return [path("now/", now, name="assessments_reconciliation_now"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        allowed = organizations_of(request.user, _PERMISSION).filter(connection__is_enabled=True)
        return super().changelist_view(request, {"may_be_compared": allowed, **(extra_context or {})})


def reconcile_now(request: HttpRequest) -> HttpResponse:
    """The button: a worker compares, and the list shows the report as it grows."""
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = request.POST.get("organization", "")
    allowed = organizations_of(request.user, _PERMISSION).filter(connection__is_enabled=True)
    organization = allowed.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 10 else None
    if organization is None:
        raise Http404
    ask(request, organization)
    return HttpResponseRedirect(reverse("admin:assessments_reconciliation_changelist"))


def ask(request: HttpRequest, organization: Organization) -> None:
    try:
        report = begin(organization, request.user.get_username())
    except AlreadyRunning:
        text = _("A reconciliation of %(organization)s is already running.")
        messages.warning(request, text % {"organization": organization})
        return
    enqueue(reconcile_organization, report.pk)
    text = _(
        "Comparing %(organization)s with Ashby and Justifacts. The report is updated as "
        "the comparison runs; check again soon."
    )
    messages.success(request, text % {"organization": organization})


def _lines(report: Reconciliation, outcome: str) -> SafeString:
    """At most 200, each with a link to its order."""
    found = list(report.discrepancies.filter(outcome=outcome)[:200])
    if not found:
        return format_html("{}", _("Nothing."))
    items = format_html_join(
        "", "<li>{}{}</li>", ((difference.text, _link(difference)) for difference in found)
    )
    return format_html('<ul class="discrepancies">{}</ul>', items)


def _link(difference: Discrepancy) -> str:
    if difference.order_id is None:
        return ""
    address = reverse("admin:assessments_order_change", args=[difference.order_id])
    return format_html(' <a href="{}">{}</a>', address, _("Order"))
