"""The first page in words: what needs a human, and how both sides of each organization are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.admin.dashboard.charts import charts
from assessments.insights.dashboard import (
    Problems,
    Scope,
    needing_attention,
    problems,
    reports_needing_review,
)
from assessments.models import Order
from assessments.text import format_duration
from integrations.accounts.roles import Person, organizations_of, sees_every_organization
from integrations.connections.overview import Health, health, with_problems
from integrations.models import Organization

SEES = "assessments.view_order"
_MOST_ORGANIZATIONS = 20
_MOST_ORDERS = 5
_MOST_NAMES = 3


def first_page(request: HttpRequest, now: datetime | None = None) -> dict[str, Any]:
    """All that the page shows, of the organizations that the person may see. Raises ``Http404`` for a
    choice that the person does not have."""
    now = now or timezone.now()
    seen = list(organizations_of(request.user, SEES).only("pk", "slug", "name"))
    chosen = _chosen(request.GET.get("organization", ""), seen)
    if not seen:
        return {"has_figures": False, "may_add": _may_add(request)}
    shown = Organization.objects.filter(pk__in=[each.pk for each in ([chosen] if chosen else seen)])
    scope = _scope(request.user, seen, chosen)
    counted, sick = problems(scope), with_problems(shown)
    rows = health(shown, _MOST_ORGANIZATIONS)
    manageable = _manageable(request.user, rows)
    unfinished = [row for row in rows if row.pk in manageable and row.last_inbound_call_at is None]
    return {
        "has_figures": True,
        "organizations": seen if len(seen) > 1 else [],
        "chosen": chosen,
        "cards": [*_cards(counted, chosen, rows), *_reports(reports_needing_review(scope, now), chosen)],
        "unfinished": unfinished,
        "quiet": "" if unfinished else _quiet(counted, sick),
        "orders": [_waiting(order, now) for order in needing_attention(scope, _MOST_ORDERS)]
        if counted.needs_attention
        else [],
        "more_orders": max(counted.needs_attention - _MOST_ORDERS, 0),
        "attention_url": _list_url("attention", chosen),
        "health": [HealthRow.of(row, now, manageable) for row in rows],
        "rest": _rest(len(seen) if chosen is None else 1, sick, rows),
        "charts": charts(scope, now),
    }


def _chosen(slug: str, seen: list[Organization]) -> Organization | None:
    if not slug:
        return None
    found = next((each for each in seen if each.slug == slug), None)
    if found is None:
        raise Http404
    return found


def _scope(person: Person, seen: list[Organization], chosen: Organization | None) -> Scope:
    if chosen:
        return Scope((chosen.pk,))
    if sees_every_organization(person, SEES):
        return Scope()
    return Scope(tuple(each.pk for each in seen))


def _may_add(request: HttpRequest) -> bool:
    """Nothing is there yet, and the person may make the first organization."""
    may = request.user.has_perm("integrations.add_organization") and request.user.has_perm(SEES)
    return may and not Organization.objects.exists()


# --- What needs a human -------------------------------------------------------------------------------


@dataclass(frozen=True)
class DashboardCard:
    """A filter of the list of orders that finds some. ``tone``: whether it asks for somebody."""

    problem: str
    tone: str
    count: str
    title: str
    sentence: str
    url: str


def _list_url(problem: str, chosen: Organization | None) -> str:
    query = {"problem": problem} | ({"organization": chosen.slug} if chosen else {})
    return f"{reverse('admin:assessments_order_changelist')}?{urlencode(query)}"


def _cards(counted: Problems, chosen: Organization | None, rows: list[Health]) -> list[DashboardCard]:
    """Only those that find an order; those that ask for somebody first."""
    return [
        DashboardCard(problem, tone, number(count), title, sentence, _list_url(problem, chosen))
        for problem, tone, count, title, sentence in (
            ("attention", "ask", counted.needs_attention, *_needs_attention(counted.needs_attention)),
            ("paused", "ask", counted.paused, *_paused(counted.paused, rows)),
            ("still", "ask", counted.stalled, *_stalled(counted.stalled)),
            ("unknown", "ask", counted.unknown, *_unknown(counted.unknown)),
            ("ashby", "way", counted.ashby, *_ashby(counted.ashby)),
            ("placing", "way", counted.placing, *_placing(counted.placing)),
        )
        if count
    ]


def _reports(count: int, chosen: Organization | None) -> list[DashboardCard]:
    """Where last night's comparison has found something that only a person can settle."""
    query = {"outcome": "needs_review"} | ({"organization": chosen.slug} if chosen else {})
    url = f"{reverse('admin:assessments_reconciliation_changelist')}?{urlencode(query)}"
    title = ngettext(
        "organization has discrepancies to review",
        "organizations have discrepancies to review",
        count,
    )
    sentence = _("The last reconciliation lists what it could not fix.")
    return [DashboardCard("reconciled", "ask", number(count), title, sentence, url)] if count else []


def _needs_attention(count: int) -> tuple[str, str]:
    return (
        ngettext("order needs attention", "orders need attention", count),
        _("The portal cannot continue by itself. Each order’s page says what happened and what to do."),
    )


def _paused(count: int, rows: list[Health]) -> tuple[str, str]:
    names = [row.name for row in rows if row.paused_at]
    sentence = _(
        "Ashby refuses the API key of %(organizations)s. Once the key works, the portal "
        "sends all updates in order."
    )
    return (
        ngettext("order is waiting for paused deliveries", "orders are waiting for paused deliveries", count),
        sentence % {"organizations": _names(names)},
    )


def _stalled(count: int) -> tuple[str, str]:
    return (
        ngettext("order is stalled", "orders are stalled", count),
        _(
            "In one status for longer than its threshold. Each order’s page gives possible "
            "reasons and what to do."
        ),
    )


def _unknown(count: int) -> tuple[str, str]:
    return (
        ngettext("order has an unknown status", "orders have an unknown status", count),
        _("Justifacts used a status that the portal does not know. Ashby shows it unchanged."),
    )


def _ashby(count: int) -> tuple[str, str]:
    return (
        ngettext("order is waiting for Ashby", "orders are waiting for Ashby", count),
        _("Ashby has not accepted an update yet: it is being sent, waits for a retry, or is held back."),
    )


def _placing(count: int) -> tuple[str, str]:
    return (
        ngettext("order is being sent to Justifacts", "orders are being sent to Justifacts", count),
        _("Started in Ashby but not yet accepted by Justifacts. This usually takes a few seconds."),
    )


def _names(names: list[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    listed = {"names": ", ".join(names[:_MOST_NAMES]), "count": len(names) - _MOST_NAMES}
    return _("%(names)s and %(count)s more") % listed


def _quiet(counted: Problems, sick: int) -> str:
    """A pleasant sentence where no order asks for anybody."""
    if counted.needs_attention or counted.paused or counted.stalled or counted.unknown:
        return ""
    if sick:
        text = ngettext(
            "No order needs your attention, but one connection has a problem; see below.",
            ("No order needs your attention, but %(count)s connections have a problem; see below."),
            sick,
        )
        return text % {"count": number(sick)}
    if not counted.active:
        return _("Nothing needs your attention. No checks are in progress.")
    text = ngettext(
        "Nothing needs your attention. One check is in progress.",
        "Nothing needs your attention. %(count)s checks are in progress.",
        counted.active,
    )
    return text % {"count": number(counted.active)}


def _waiting(order: Order, now: datetime) -> dict[str, str]:
    return {
        "url": reverse("admin:assessments_order_change", args=[order.pk]),
        "candidate": order.candidate_name,
        "organization": order.organization.name,
        "reason": order.attention_reason,
        "since": _("for %(time)s") % {"time": _length(order.attention_since, now)},
    }


# --- Health -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HealthRow:
    """One organization, in words."""

    name: str
    #: The page on which the person may mend the connection; None: it is not theirs to mend.
    setup: int | None
    tone: str
    state: str
    problem: str
    called: str
    taken: str
    heard: str

    @classmethod
    def of(cls, row: Health, now: datetime, manageable: frozenset[int]) -> "HealthRow":
        tone, state, problem = _state(row, now)
        return cls(
            name=row.name,
            setup=row.pk if row.pk in manageable else None,
            tone=tone,
            state=state,
            problem=problem,
            called=ago(row.last_inbound_call_at, now),
            taken=ago(row.ashby_last_success_at, now),
            heard=ago(row.justifacts_answered_at, now),
        )


def _state(row: Health, now: datetime) -> tuple[str, str, str]:
    """Tone, state in a few words, and the problem in full."""
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
    theirs = organizations_of(person, "integrations.change_connection")
    return frozenset(theirs.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))


def _rest(total: int, sick: int, rows: list[Health]) -> str:
    hidden = total - len(rows)
    if hidden <= 0:
        return ""
    hidden_sick = max(sick - sum(row.has_problem for row in rows), 0)
    text = ngettext("And one more organization", "And %(count)s more organizations", hidden)
    start = text % {"count": number(hidden)}
    if not hidden_sick:
        return _("%(start)s without problems.") % {"start": start}
    return _("%(start)s, %(count)s of them with a problem.") % {"start": start, "count": number(hidden_sick)}


def _length(since: datetime | None, now: datetime) -> str:
    return format_duration(now - since) if since else _("a while")


def ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return _("never")
    if (now - moment).total_seconds() < 60:
        return _("just now")
    return _("%(time)s ago") % {"time": format_duration(now - moment)}


def number(count: int) -> str:
    return number_format(count, force_grouping=True)
