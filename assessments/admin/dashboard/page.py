"""The dashboard as data for its template: what needs attention, the connections, and the charts."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from assessments.admin.dashboard.cards import all_clear, cards, list_url, reconciliation_cards
from assessments.admin.dashboard.charts import charts, format_count
from assessments.insights.dashboard import Scope, needing_attention, problems, reports_needing_review
from assessments.models import Heartbeat, Order
from assessments.text import format_duration
from integrations.accounts.roles import Person, organizations_of, sees_every_organization
from integrations.connections.overview import Health, health, with_problems
from integrations.models import Organization

_PERMISSION = "assessments.view_order"
_MOST_ORGANIZATIONS = 20
_MOST_ORDERS = 5
#: What it means for orders that no process of a kind runs, and what to do.
_MISSING = {
    "worker": gettext_lazy(
        "No worker has run for more than a minute. New checks are accepted and wait: nothing is sent to "
        "Justifacts or Ashby until a worker runs again. Start it, or tell the people who run the portal."
    ),
    "scheduler": gettext_lazy(
        "No scheduler has run for more than a minute. Retries, polls and notifications wait until one runs "
        "again. Start it, or tell the people who run the portal."
    ),
}


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """The template's context, limited to the organizations that the person may see.

    ``?organization=<slug>`` chooses one of them; raises ``Http404`` for any other.
    """
    now = timezone.now()
    visible = list(organizations_of(request.user, _PERMISSION).only("pk", "slug", "name"))
    chosen = _chosen(request.GET.get("organization", ""), visible)
    if not visible:
        return {"has_figures": False, "may_add": _may_add(request)}
    shown_pks = [each.pk for each in ([chosen] if chosen else visible)]
    shown = Organization.objects.filter(pk__in=shown_pks)
    scope = _scope(request.user, visible, chosen)
    counts, failing = problems(scope), with_problems(shown)
    rows = health(shown, _MOST_ORGANIZATIONS)
    manageable = _manageable(request.user, rows)
    unfinished = [row for row in rows if row.pk in manageable and row.last_inbound_call_at is None]
    missing = [_MISSING[kind] for kind in Heartbeat.missing_kinds(now)]
    return {
        "has_figures": True,
        "missing": missing,
        "organizations": visible if len(visible) > 1 else [],
        "chosen": chosen,
        "cards": [
            *cards(counts, chosen, rows),
            *reconciliation_cards(reports_needing_review(scope, now), chosen),
        ],
        "unfinished": unfinished,
        "all_clear": "" if unfinished or missing else all_clear(counts, failing),
        "orders": [_order_line(order, now) for order in needing_attention(scope, _MOST_ORDERS)]
        if counts.needs_attention
        else [],
        "more_orders": max(counts.needs_attention - _MOST_ORDERS, 0),
        "attention_url": list_url("attention", chosen),
        "health": [_health_row(row, now, manageable) for row in rows],
        "hidden": _hidden(len(shown_pks), failing, rows),
        "charts": charts(scope, now),
    }


def _chosen(slug: str, visible: list[Organization]) -> Organization | None:
    found = next((each for each in visible if each.slug == slug), None)
    if slug and found is None:
        raise Http404
    return found


def _scope(person: Person, visible: list[Organization], chosen: Organization | None) -> Scope:
    if chosen:
        return Scope((chosen.pk,))
    if sees_every_organization(person, _PERMISSION):
        return Scope()
    return Scope(tuple(each.pk for each in visible))


def _may_add(request: HttpRequest) -> bool:
    """Whether there is no organization yet and the person may add the first one."""
    may = request.user.has_perm("integrations.add_organization") and request.user.has_perm(_PERMISSION)
    return may and not Organization.objects.exists()


def _order_line(order: Order, now: datetime) -> dict[str, str]:
    return {
        "url": reverse("admin:assessments_order_change", args=[order.pk]),
        "candidate": order.candidate_name,
        "organization": order.organization.name,
        "reason": order.attention_reason,
        "since": _("for %(time)s") % {"time": _length(order.attention_since, now)},
    }


def _health_row(row: Health, now: datetime, manageable: frozenset[int]) -> dict[str, Any]:
    tone, state, problem = _state(row, now)
    return {
        "name": row.name,
        "setup": row.pk if row.pk in manageable else None,
        "tone": tone,
        "state": state,
        "problem": problem,
        "last_call": _ago(row.last_inbound_call_at, now),
        "last_accepted": _ago(row.ashby_last_success_at, now),
        "last_response": _ago(row.justifacts_answered_at, now),
    }


def _state(row: Health, now: datetime) -> tuple[str, str, str]:
    """Tone, state in a few words, and the full text of the problem."""
    if not row.is_connected:
        return "quiet", _("Not set up yet"), ""
    if not row.is_enabled:
        return "quiet", _("Disabled"), ""
    if row.paused_at:
        return "ask", _("Paused for %(time)s") % {"time": _length(row.paused_at, now)}, row.pause_reason
    if row.ashby_problem:
        since = _length(row.ashby_problem_since, now)
        return "ask", _("Problem with Ashby for %(time)s") % {"time": since}, row.ashby_problem
    if row.justifacts_problem:
        since = _length(row.justifacts_problem_since, now)
        return "ask", _("Problem with Justifacts for %(time)s") % {"time": since}, row.justifacts_problem
    return "good", _("OK"), ""


def _manageable(person: Person, rows: list[Health]) -> frozenset[int]:
    changeable = organizations_of(person, "integrations.change_connection")
    return frozenset(changeable.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))


def _hidden(total: int, failing: int, rows: list[Health]) -> str:
    hidden = total - len(rows)
    if hidden <= 0:
        return ""
    hidden_failing = max(failing - sum(row.has_problem for row in rows), 0)
    text = ngettext("And one more organization", "And %(count)s more organizations", hidden)
    start = text % {"count": format_count(hidden)}
    if not hidden_failing:
        return _("%(start)s without problems.") % {"start": start}
    text = _("%(start)s, %(count)s of them with a problem.")
    return text % {"start": start, "count": format_count(hidden_failing)}


def _length(since: datetime | None, now: datetime) -> str:
    return format_duration(now - since) if since else _("a while")


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return _("never")
    if (now - moment).total_seconds() < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": format_duration(now - moment)}
