"""Stall thresholds: how long an organization's orders may normally stay in one status."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from assessments.models import StallThresholds
from integrations.accounts.roles import organizations_of
from integrations.admin.base import OrganizationFilter, TenantModelAdmin
from integrations.admin.links import PAGES, STALL_THRESHOLDS
from integrations.models import Organization

PAGES[STALL_THRESHOLDS] = ("admin:assessments_stallthresholds_change", "assessments.change_stallthresholds")


class StallThresholdsForm(forms.ModelForm):
    class Meta:
        model = StallThresholds
        fields = [
            *("organization", "accepted_minutes", "received_days", "applicant_started_days"),
            *("in_process_business_days", "notify_ashby"),
        ]
        labels = {
            "accepted_minutes": gettext_lazy("Accepted (minutes)"),
            "received_days": gettext_lazy("Received (days)"),
            "applicant_started_days": gettext_lazy("Applicant started (days)"),
            "in_process_business_days": gettext_lazy("In process (working days)"),
            "notify_ashby": gettext_lazy("Notify Ashby"),
        }
        help_texts = {
            "accepted_minutes": gettext_lazy(
                "Ashby has started the check, and Justifacts has not accepted the order yet."
            ),
            "received_days": gettext_lazy("Justifacts has the order, and the candidate has not started."),
            "applicant_started_days": gettext_lazy("The candidate is filling in Justifacts’ form."),
            "in_process_business_days": gettext_lazy(
                "Justifacts is carrying out the check. Saturdays and Sundays do not count."
            ),
            "notify_ashby": gettext_lazy(
                "The card in Ashby then says, once per status, that the check has stalled and what to do."
            ),
        }


@admin.register(StallThresholds)
class StallThresholdsAdmin(TenantModelAdmin):
    """One page for each organization. It shows the defaults until the organization sets its own."""

    form = StallThresholdsForm
    list_display = [*StallThresholdsForm.Meta.fields]
    list_filter = [OrganizationFilter]
    list_select_related = ["organization"]
    fieldsets = [
        (None, {"fields": ["organization"]}),
        (
            gettext_lazy("An order is stalled when it stays in one status for longer than"),
            {
                "classes": ["wide"],
                "fields": [*StallThresholdsForm.Meta.fields[1:5]],
                "description": gettext_lazy(
                    "The dashboard counts stalled orders, and the list of orders can filter them. The "
                    "page of a stalled order gives possible reasons and what to do. Changes take "
                    "effect within a minute."
                ),
            },
        ),
        (gettext_lazy("Ashby"), {"fields": ["notify_ashby"]}),
    ]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> StallThresholds:
        """The organization's own thresholds, or the defaults, unsaved.

        Raises ``Http404`` if the person does not see the organization.
        """
        permissions = self._permission("view"), self._permission("change")
        try:
            organization = organizations_of(request.user, *permissions).get(pk=object_id)
        except (Organization.DoesNotExist, ValueError):
            raise Http404 from None
        own = StallThresholds.objects.filter(organization=organization).select_related("organization").first()
        return own or StallThresholds(organization=organization)

    def get_readonly_fields(self, request: HttpRequest, obj: StallThresholds | None = None) -> list[str]:
        return ["organization"] if obj else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only organizations that have no thresholds of their own yet."""
        kwargs["queryset"] = organizations_of(request.user, self._permission("add")).filter(watch_limits=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: StallThresholds | None = None) -> bool:
        """Deleting returns to the defaults, so unsaved defaults cannot be deleted."""
        return super().has_delete_permission(request, obj) and not (obj and obj._state.adding)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        default = StallThresholds()
        text = _(
            "Organizations that are not listed use the default thresholds: accepted %(accepted_minutes)d "
            "minutes, received %(received_days)d days, applicant started %(applicant_started_days)d days, "
            "in process %(in_process_business_days)d working days."
        )
        sentence = text % {name: getattr(default, name) for name in StallThresholdsForm.Meta.fields[1:5]}
        return super().changelist_view(request, {"default_thresholds": sentence, **(extra_context or {})})
