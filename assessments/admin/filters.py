"""Filters of the list of orders: problems first."""

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from assessments.models import Event, NextCall, Order, Update


def waiting_for_ashby() -> Exists:
    """Whether Ashby still has to be told something about an order."""
    return Exists(Update.objects.filter(order=OuterRef("pk"), state__in=Update.UNSAID))


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
                last_kind = Event.objects.filter(order=OuterRef("pk")).order_by("-at", "-pk").values("kind")
                return queryset.annotate(last_kind=Subquery(last_kind[:1])).filter(last_kind="unknown_status")
        return queryset
