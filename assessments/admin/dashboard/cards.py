"""The cards of the dashboard: how many orders and reconciliations need attention, with links to them."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.admin.dashboard.charts import format_count
from assessments.insights.dashboard import Problems
from integrations.connections.overview import Health
from integrations.models import Organization

_MOST_NAMES = 3


@dataclass(frozen=True)
class DashboardCard:
    """A count with a link to the filtered list. ``tone`` is ``ask`` if a person has to act, else ``way``."""

    tone: str
    count: str
    title: str
    sentence: str
    url: str


def list_url(problem: str, chosen: Organization | None) -> str:
    query = {"problem": problem} | ({"organization": chosen.slug} if chosen else {})
    return f"{reverse('admin:assessments_order_changelist')}?{urlencode(query)}"


def cards(counts: Problems, chosen: Organization | None, rows: list[Health]) -> list[DashboardCard]:
    """One card for each filter that finds an order. Those that need a person come first."""
    return [
        DashboardCard(tone, format_count(count), *texts(count), list_url(problem, chosen))
        for problem, tone, count, texts in (
            ("attention", "ask", counts.needs_attention, _needs_attention),
            ("paused", "ask", counts.paused, partial(_paused, rows)),
            ("stalled", "ask", counts.stalled, _stalled),
            ("unknown", "ask", counts.unknown, _unknown),
            ("ashby", "way", counts.ashby, _ashby),
            ("placing", "way", counts.placing, _placing),
        )
        if count
    ]


def reconciliation_cards(count: int, chosen: Organization | None) -> list[DashboardCard]:
    query = {"outcome": "needs_review"} | ({"organization": chosen.slug} if chosen else {})
    url = f"{reverse('admin:assessments_reconciliation_changelist')}?{urlencode(query)}"
    title = ngettext(
        "organization has discrepancies to review", "organizations have discrepancies to review", count
    )
    sentence = _("The last reconciliation lists what it could not fix.")
    return [DashboardCard("ask", format_count(count), title, sentence, url)] if count else []


def _needs_attention(count: int) -> tuple[str, str]:
    return (
        ngettext("order needs attention", "orders need attention", count),
        _("The portal cannot continue by itself. Each order’s page says what happened and what to do."),
    )


def _paused(rows: list[Health], count: int) -> tuple[str, str]:
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
            "Each has been in one status for longer than its stall threshold. The order’s page "
            "gives possible reasons and what to do."
        ),
    )


def _unknown(count: int) -> tuple[str, str]:
    return (
        ngettext("order has an unknown status", "orders have an unknown status", count),
        _("Justifacts sent a status that the portal does not know. Ashby shows it unchanged."),
    )


def _ashby(count: int) -> tuple[str, str]:
    return (
        ngettext("order is waiting for Ashby", "orders are waiting for Ashby", count),
        _(
            "Ashby has not accepted an update yet. The portal is sending it, is waiting to retry, "
            "or needs a decision first."
        ),
    )


def _placing(count: int) -> tuple[str, str]:
    return (
        ngettext("order is being sent to Justifacts", "orders are being sent to Justifacts", count),
        _("Justifacts has not accepted the order yet. This usually takes a few seconds."),
    )


def _names(names: list[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    listed = {"names": ", ".join(names[:_MOST_NAMES]), "count": len(names) - _MOST_NAMES}
    return _("%(names)s and %(count)s more") % listed


def all_clear(counts: Problems, failing: int) -> str:
    """The sentence for when no order needs attention; empty if one does."""
    if counts.needs_attention or counts.paused or counts.stalled or counts.unknown:
        return ""
    if failing:
        text = ngettext(
            "No order needs your attention, but one connection has a problem; see below.",
            "No order needs your attention, but %(count)s connections have a problem; see below.",
            failing,
        )
        return text % {"count": format_count(failing)}
    if not counts.active:
        return _("Nothing needs your attention. No checks are in progress.")
    text = ngettext(
        "Nothing needs your attention. One check is in progress.",
        "Nothing needs your attention. %(count)s checks are in progress.",
        counts.active,
    )
    return text % {"count": format_count(counts.active)}
