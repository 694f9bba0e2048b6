"""The list of reconciliations, and the button that starts one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import Discrepancy, Reconciliation
from assessments.reconciliation.run import AlreadyRunning, begin
from assessments.tasks import reconcile_organization
from integrations.accounts.roles import organizations_of
from integrations.admin.base import READ_ONLY, OptionFilter, OrganizationFilter, TenantModelAdmin
from integrations.background import enqueue

_PERMISSION = "assessments.reconcile"


class OutcomeFilter(OptionFilter):
    title = gettext_lazy("outcome")
    parameter_name = "outcome"
    options = {
        "needs_review": (gettext_lazy("With items to review"), Q(needs_review__gt=0)),
        "resolved": (gettext_lazy("With fixes"), Q(resolved__gt=0)),
        "not_checked": (gettext_lazy("With orders not checked"), Q(not_checked__gt=0)),
    }


@admin.register(Reconciliation)
class ReconciliationAdmin(TenantModelAdmin):
    forbidden = READ_ONLY
    list_display = [
        *("started_at", "organization", "needs_review", "resolved", "not_checked", "orders_checked", "state"),
        "requested_by",
    ]
    list_filter = [OutcomeFilter, OrganizationFilter]
    list_select_related = ["organization"]
    show_full_result_count = False
    fields = [
        *("organization", "started_at", "ended_at", "requested_by", "orders_checked"),
        *("needs_review_lines", "fixed_lines", "not_checked_lines"),
    ]
    readonly_fields = ["needs_review_lines", "fixed_lines", "not_checked_lines"]

    @admin.display(description=gettext_lazy("state"))
    def state(self, report: Reconciliation) -> str:
        if report.ended_at is None:
            return _("running")
        return _("failed") if report.error else _("ended")

    @admin.display(description=gettext_lazy("needs review"))
    def needs_review_lines(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.NEEDS_REVIEW)

    @admin.display(description=gettext_lazy("fixed"))
    def fixed_lines(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.RESOLVED)

    @admin.display(description=gettext_lazy("not checked"))
    def not_checked_lines(self, report: Reconciliation) -> SafeString:
        return _lines(report, Discrepancy.Outcome.NOT_CHECKED)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The error comes first, and is shown only if there is one."""
        fields = list(super().get_fields(request, obj))
        return ["error", *fields] if obj and obj.error else fields

    def get_urls(self) -> list[Any]:
        now = self.admin_site.admin_view(reconcile_now)
        return [path("now/", now, name="assessments_reconciliation_now"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        allowed = organizations_of(request.user, _PERMISSION).filter(connection__is_enabled=True)
        return super().changelist_view(request, {"can_be_reconciled": allowed, **(extra_context or {})})


def reconcile_now(request: HttpRequest) -> HttpResponse:
    """The view behind the button. A worker runs the reconciliation, and the list shows its progress."""
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    chosen = request.POST.get("organization", "")
    allowed = organizations_of(request.user, _PERMISSION).filter(connection__is_enabled=True)
    organization = allowed.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 10 else None
    if organization is None:
        raise Http404
    try:
        report = begin(organization, request.user.get_username())
    except AlreadyRunning:
        text = _("A reconciliation of %(organization)s is already running.")
        messages.warning(request, text % {"organization": organization})
    else:
        enqueue(reconcile_organization, report.pk)
        text = _(
            "The portal is comparing %(organization)s with Ashby and Justifacts. The report grows "
            "while the comparison runs. Reload it in a minute."
        )
        messages.success(request, text % {"organization": organization})
    return HttpResponseRedirect(reverse("admin:assessments_reconciliation_changelist"))


def _lines(report: Reconciliation, outcome: str) -> SafeString:
    """At most 200 discrepancies, each with a link to its order."""
    discrepancies = list(report.discrepancies.filter(outcome=outcome)[:200])
    if not discrepancies:
        return format_html("{}", _("Nothing."))
    items = format_html_join("", "<li>{}{}</li>", ((each.text, _link(each)) for each in discrepancies))
    return format_html('<ul class="discrepancies">{}</ul>', items)


def _link(discrepancy: Discrepancy) -> str:
    if discrepancy.order_id is None:
        return ""
    url = reverse("admin:assessments_order_change", args=[discrepancy.order_id])
    return format_html(' <a href="{}">{}</a>', url, _("Order"))
