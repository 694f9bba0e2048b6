"""The filters of the list of orders. None reads the table of orders to find its choices."""

import re
from datetime import timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assessments.admin.orders.distinct import distinct_values
from assessments.models import AshbyUpdate, Order, PendingCall
from assessments.stalled.detect import IS_STALLED
from assessments.statuses import RESULTS, Status
from integrations.accounts.roles import organizations_of
from integrations.admin.base import OptionFilter
from integrations.models import Job, Organization, Package

_MOST_CHOICES = 40
#: An id that fits the integer column of every database.
_KEY = re.compile("[0-9]{1,18}")


# Few updates are undelivered, so the query starts from them and not from the orders.
_WAITS_FOR_ASHBY = Q(pk__in=AshbyUpdate.objects.filter(state__in=AshbyUpdate.UNDELIVERED).values("order"))
_IS_PAUSED = Q(organization__in=Organization.objects.exclude(connection__paused_at=None).values("pk"))


class ProblemFilter(OptionFilter):
    title = _("problem")
    parameter_name = "problem"
    options = {
        "attention": (_("Needs attention"), Q(needs_attention=True)),
        "ashby": (_("Waiting for Ashby"), _WAITS_FOR_ASHBY),
        "paused": (_("Deliveries paused"), _WAITS_FOR_ASHBY & _IS_PAUSED),
        "stalled": (_("Stalled"), IS_STALLED),
        "unknown": (_("Unknown status at Justifacts"), Q(status_unrecognized=True)),
        "placing": (_("Not yet at Justifacts"), Q(next_call__in=[PendingCall.PLACE, PendingCall.LOOK_UP])),
        "held": (_("Under legal hold"), Q(legal_hold=True)),
    }

    def value(self) -> str | None:
        """The filter's value in bookmarks from before version 0.5 was ``still``."""
        return "stalled" if (chosen := super().value()) == "still" else chosen


class _VisibleOrganizationsFilter(SimpleListFilter):
    """A filter with choices from the organizations that the person sees, or from the chosen organization.

    A value that is not among the choices filters too. If it were ignored, the list or the export would
    contain more than was asked for.
    """

    def has_output(self) -> bool:
        return super().has_output() or bool(self.value())

    def organizations(self, request: HttpRequest) -> QuerySet[Organization]:
        visible = organizations_of(request.user, "assessments.view_order")
        chosen = request.GET.get("organization")
        return visible.filter(slug=chosen) if chosen else visible


class PackageFilter(_VisibleOrganizationsFilter):
    title = _("package")
    parameter_name = "package"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Any:
        """Packages of two organizations may have the same name, so the choices name the organization."""
        organizations = self.organizations(request)
        packages = Package.objects.filter(organization__in=organizations).select_related("organization")
        found = list(packages.order_by("organization__name", "name")[:_MOST_CHOICES])
        several = len({package.organization_id for package in found}) > 1
        return [
            (str(package.pk), f"{package.organization}: {package}" if several else str(package))
            for package in found
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(package=int(chosen)) if _KEY.fullmatch(chosen) else queryset.none()


class JobFilter(_VisibleOrganizationsFilter):
    """Offers choices only within one organization: the jobs of all would be too many."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Any:
        organizations = list(self.organizations(request)[:2])
        if len(organizations) != 1:
            return []
        jobs = Job.objects.filter(organization=organizations[0]).order_by("title")
        return [(job.ashby_id, str(job)) for job in jobs[:_MOST_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(job_id=self.value()) if self.value() else queryset


class StatusFilter(SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Any:
        return Status.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class ResultFilter(SimpleListFilter):
    title = _("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Any:
        return [*((result, result) for result in RESULTS), ("other", _("Other"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() == "other":
            # By the results that there are: databases use no index for a negation.
            others = [result for result in distinct_values("result") if result not in RESULTS]
            return queryset.filter(result__in=others)
        return queryset.filter(result=self.value()) if self.value() else queryset


class StartedFilter(SimpleListFilter):
    title = _("started")
    parameter_name = "started"
    _DAYS = {
        "today": (_("Today"), 0),
        "7d": (_("In the last 7 days"), 7),
        "30d": (_("In the last 30 days"), 30),
        "90d": (_("In the last 90 days"), 90),
    }

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Any:
        return [(value, label) for value, (label, _days) in self._DAYS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        if self.value() not in self._DAYS:
            return queryset
        _label, days = self._DAYS[str(self.value())]
        midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(created_at__gte=midnight - timedelta(days=days))
