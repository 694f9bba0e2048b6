"""Filters of the list of orders: problems first."""

from typing import Any

from django.contrib.admin import ModelAdmin, RelatedOnlyFieldListFilter, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from assessments.models import Event, NextCall, Order, Update
from integrations.models import Package


def waiting_for_ashby() -> Exists:
    """Whether Ashby still has to be told something about an order."""
    return Exists(Update.objects.filter(order=OuterRef("pk"), state__in=Update.UNSAID))


def _says_what_we_do_not_know() -> Exists:
    """Whether Justifacts' last word on an order is one that we did not know when it came."""
    return Exists(
        Event.objects.filter(
            order=OuterRef("pk"), kind="unknown_status", summary__contains=OuterRef("justifacts_status")
        )
    )


class ProblemFilter(SimpleListFilter):
    title = "problem"
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("human", "Needs a human"),
            ("ashby", "Waiting for Ashby"),
            ("paused", "Deliveries paused"),
            ("placing", "Not yet at Justifacts"),
            ("unknown", "Unknown status at Justifacts"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        match self.value():
            case "human":
                return queryset.filter(needs_attention=True)
            case "ashby":
                return queryset.filter(waiting_for_ashby())
            case "paused":
                return queryset.filter(waiting_for_ashby(), organization__connection__paused_at__isnull=False)
            case "placing":
                return queryset.filter(next_call__in=[NextCall.PLACE, NextCall.LOOK_UP])
            case "unknown":
                return queryset.exclude(justifacts_status="").filter(_says_what_we_do_not_know())
        return queryset


class PackageFilter(RelatedOnlyFieldListFilter):
    """Packages of two organizations may have one name."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: ModelAdmin) -> list[Any]:
        used = model_admin.get_queryset(request).order_by().values("package")
        packages = Package.objects.filter(pk__in=used).select_related("organization")
        return [
            (package.pk, f"{package.organization}: {package}")
            for package in packages.order_by("organization__name", "name")
        ]
