"""The charts of the dashboard: their figures, titles and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.admin.dashboard.svg import BarPart, Bars, Columns, Series, bars, columns, hour_ticks
from assessments.insights import dashboard as figures
from assessments.statuses import Status
from assessments.text import format_duration

_DAYS = 30
_RECENT = timedelta(days=90)
_MOST_PACKAGES = 8
_MOST_RESULTS = 6

#: The statuses in a column, from bottom to top.
_STACK = (
    *(Status.COMPLETE, Status.IN_PROCESS, Status.APPLICANT_STARTED, Status.RECEIVED, Status.ACCEPTED),
    *(Status.CANCELLED, Status.REJECTED),
)


@dataclass(frozen=True)
class Chart:
    """One chart with its texts, and the same figures as a table (head and rows)."""

    key: str
    title: str
    sentence: str
    table: tuple[list[str], list[list[str]]]
    columns: Columns | None = None
    bars: Bars | None = None
    legend: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.table[1]


def charts(scope: figures.Scope, now: datetime) -> list[Chart]:
    days = figures.days_until(now, _DAYS)
    trends = figures.trends(scope, days, now - _RECENT, now)
    return [
        _days(days, trends.by_day),
        _updates(trends.waiting),
        _turnaround(trends.completed),
        _results(trends.completed),
    ]


def _days(days: Sequence[date], counted: Mapping[tuple[date, str], int]) -> Chart:
    series = [
        Series(str(status.label), f"chart-{status.value}", [counted.get((day, status), 0) for day in days])
        for status in _STACK
    ]
    names = [date_format(day, "j M") for day in days]
    drawn = columns(names, series, name_every=7)
    text = ngettext(
        "One check was started in the last 30 days.",
        "%(count)s checks were started in the last 30 days, grouped by current status.",
        drawn.total,
    )
    sentence = _sentence(text, drawn.total, _("No checks were started in the last 30 days."))
    return _of_columns("days", _("Orders per day"), sentence, _("Day"), names, drawn)


def _updates(counted: Mapping[tuple[str, int], int]) -> Chart:
    names = [_("< 5 min"), _("5–60 min"), _("1–6 h"), _("6–24 h"), _("> 1 day")]
    reasons = (
        (figures.PENDING, _("In progress")),
        (figures.PAUSED, _("Paused")),
        (figures.REFUSED, _("Refused by Ashby")),
    )
    series = [
        Series(name, f"chart-{key}", [counted.get((key, age), 0) for age in range(len(figures.AGES) + 1)])
        for key, name in reasons
    ]
    drawn = columns(names, series)
    text = ngettext(
        "One update is waiting for Ashby.", "%(count)s updates are waiting for Ashby.", drawn.total
    )
    sentence = _sentence(text, drawn.total, _("All updates have been sent to Ashby."))
    return _of_columns("updates", _("Pending updates by age"), sentence, _("Age"), names, drawn)


def _of_columns(key: str, title: str, sentence: str, first: str, names: list[str], drawn: Columns) -> Chart:
    """A chart of the columns ``names``; ``first`` is the heading of their column in the table."""
    rows = []
    for place, name in enumerate(names):
        values = [each.values[place] for each in drawn.series]
        rows.append([name, *map(format_count, values), format_count(sum(values))])
    head = [first, *(each.name for each in drawn.series), _("All")]
    legend = tuple((each.css, f"{each.name} {format_count(each.total)}") for each in drawn.series)
    return Chart(key, title, sentence, (head, rows if drawn.total else []), columns=drawn, legend=legend)


def _turnaround(completed: figures.Completed) -> Chart:
    found = figures.turnaround(completed)[:_MOST_PACKAGES]
    half, most = _("Half are completed within"), _("90% are completed within")
    table, drawn = [], []
    for each in found:
        name, median, p90 = each.package, _hours(each.median), _hours(each.p90)
        table.append([name, format_count(each.count), median, p90])
        parts = [
            BarPart(each.p90, "chart-ninth", f"{name}: {most} {p90}"),
            BarPart(each.median, "chart-median", f"{name}: {half} {median}"),
        ]
        drawn.append((name, f"{median} · {p90}", parts))
    ticks = hour_ticks(max((each.p90 for each in found), default=0))
    return Chart(
        key="turnaround",
        title=_("Turnaround by package"),
        sentence=_("Checks completed in the last 90 days.")
        if found
        else _("No checks were completed in the last 90 days."),
        table=([_("Package"), _("Checks"), _("Median"), _("90th percentile")], table),
        bars=bars(drawn, [(tick, _hours(tick) if tick else "0") for tick in ticks]),
        legend=(("chart-median", half), ("chart-ninth", most)) if found else (),
    )


def _results(completed: figures.Completed) -> Chart:
    counted = figures.results(completed)
    rows = counted[:_MOST_RESULTS]
    if others := sum(count for _result, count in counted[_MOST_RESULTS:]):
        rows.append((_("Other"), others))
    total = sum(count for _result, count in rows)
    text = ngettext(
        "One check was completed in the last 90 days.",
        "%(count)s checks were completed in the last 90 days.",
        total,
    )
    table, drawn = [], []
    for result, count in rows:
        shown, share = format_count(count), _share(count, total)
        table.append([result, shown, share])
        drawn.append((result, share, [BarPart(count, "chart-result", f"{result}: {shown}")]))
    return Chart(
        key="results",
        title=_("Results"),
        sentence=_sentence(text, total, _("No checks were completed in the last 90 days.")),
        table=([_("Result"), _("Checks"), _("Share")], table),
        bars=bars(drawn, [(0, "0"), (max(total, 1), "")]),
    )


def _sentence(text: str, count: int, if_none: str) -> str:
    return text % {"count": format_count(count)} if count else if_none


def _share(count: int, total: int) -> str:
    share = 100 * count / total
    return f"{share:.0f} %" if share >= 1 else _("under 1 %")


def _hours(length: int) -> str:
    return format_duration(timedelta(hours=length), units=2) if length >= 1 else _("under 1 h")


def format_count(count: int) -> str:
    return number_format(count, force_grouping=True)
