"""The page of one order, and the confirmation pages of its actions."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from assessments.admin.orders.action import OrderAction
from assessments.admin.orders.actions import ORDER_ACTIONS, UPDATE_ACTIONS
from assessments.explanation.status_summary import paragraphs
from assessments.explanation.timeline import sources, timeline
from assessments.models import AshbyUpdate, Order
from assessments.orders.staff import NotPossible
from assessments.outbox.card import build_card
from assessments.outbox.compose import start_response_update
from assessments.privacy.retention import erased_on
from assessments.statuses import asks_for_a_look
from assessments.support.retry import resendable_updates
from assessments.tasks import enqueue_order_work
from assessments.tracking.report_url import parse_report
from integrations.admin.long_lists import LongListAdmin

_TEMPLATES = "admin/assessments/order"


class OrderPage(LongListAdmin):
    """The part of the orders' admin that shows one order and performs actions on it."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        order = self.get_object(request, object_id)
        if request.method != "GET" or not self.has_view_permission(request, order):
            raise PermissionDenied
        # What the page shows of the order is computed from these, without a further query.
        prefetch_related_objects([order], "updates", "events", "attempts", "inbound_requests")
        updates = list(order.updates.all())
        context = {
            **self._base_context(request, order),
            **_content(order, updates),
            "actions": self._offered(request, order, ORDER_ACTIONS, order),
            "updates": self._with_actions(request, order, updates),
        }
        return TemplateResponse(request, f"{_TEMPLATES}/page.html", context)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<uuid:pk>/{below}{action.name}/",
                self.admin_site.admin_view(self.action_view),
                {"action": action},
                name=f"assessments_order_{action.name.replace('-', '_')}",
            )
            for below, actions in (("", ORDER_ACTIONS), ("updates/<int:update_pk>/", UPDATE_ACTIONS))
            for action in actions
        ]
        return [*own, *super().get_urls()]

    def action_view(
        self, request: HttpRequest, pk: UUID, action: OrderAction, update_pk: int | None = None
    ) -> HttpResponse:
        """GET explains the action and asks for confirmation; POST with a valid form performs it."""
        order = self.get_object(request, str(pk))
        if not self.may(request, f"assessments.{action.permission}", order):
            raise PermissionDenied
        target = order if update_pk is None else get_object_or_404(order.updates, pk=update_pk)
        form = action.form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                done = action.perform(target, request.user.get_username(), form.cleaned_data)
                messages.success(request, done)
                enqueue_order_work(order.pk)
            except NotPossible as error:
                messages.warning(request, str(error))
            return HttpResponseRedirect(reverse("admin:assessments_order_change", args=[order.pk]))
        context = {
            **self._base_context(request, order),
            "title": action.label,
            "action": action,
            "explanation": action.explain(target),
            "is_offered": action.is_offered(target),
            "form": form,
        }
        return TemplateResponse(request, f"{_TEMPLATES}/action.html", context)

    def _offered(
        self, request: HttpRequest, order: Order, actions: Iterable[OrderAction], target: Order | AshbyUpdate
    ) -> list[OrderAction]:
        return [
            action
            for action in actions
            if self.may(request, f"assessments.{action.permission}", order) and action.is_offered(target)
        ]

    def _with_actions(
        self, request: HttpRequest, order: Order, updates: list[AshbyUpdate]
    ) -> list[tuple[AshbyUpdate, list[OrderAction]]]:
        """The updates, newest first, each with the actions that are possible now."""
        can_be_resent = resendable_updates(order, updates)
        rows = []
        for update in reversed(updates):
            actions = [a for a in UPDATE_ACTIONS if a.name != "resend" or update in can_be_resent]
            rows.append((update, self._offered(request, order, actions, update)))
        return rows

    def _base_context(self, request: HttpRequest, order: Order) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "order": order,
            "title": _("Check of %(candidate)s") % {"candidate": order.candidate_name},
        }


def _content(order: Order, updates: list[AshbyUpdate]) -> dict[str, Any]:
    delivered = [update.payload for update in updates if update.state == AshbyUpdate.State.DELIVERED]
    undelivered = [update.payload for update in updates if update.state in AshbyUpdate.UNDELIVERED]
    start = start_response_update(order)
    entries = timeline(order)
    card_now = build_card([start, *delivered])
    card_then = build_card([start, *delivered, *undelivered]) if undelivered else None
    return {
        "summary": paragraphs(order, timezone.now()),
        "report": parse_report(order, order.report_url),
        "card_now": card_now,
        "report_now": parse_report(order, card_now.report_url),
        "card_then": card_then,
        "report_then": card_then and parse_report(order, card_then.report_url),
        "undelivered_count": len(undelivered),
        "timeline": entries,
        "sources": sources(entries),
        "erased_on": erased_on(order),
        "asks_for_a_look": asks_for_a_look(order.result),
    }
