"""The charts of the dashboard: their figures, titles and tables."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from assessments.admin.dashboard.svg import BarPart, Bars, Columns, Series, bars, columns, hour_ticks
from assessments.insights.dashboard import (
    AGES,
    PAUSED,
    PENDING,
    REFUSED,
    Completed,
    Scope,
    completed_checks,
    days_until,
    orders_by_day,
    results,
    turnaround,
    updates_waiting,
)
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


def charts(scope: Scope, now: datetime) -> list[Chart]:
    completed = completed_checks(scope, now - _RECENT)
    return [_days(scope, now), _updates(scope, now), _turnaround(completed), _results(completed)]


def _days(scope: Scope, now: datetime) -> Chart:
    days = days_until(now, _DAYS)
    counted = orders_by_day(scope, days)
    series = [
        Series(str(status.label), f"chart-{status.value}", [counted.get((day, status), 0) for day in days])
        for status in _STACK
    ]
    drawn = columns([_format_day(day) for day in days], series, name_every=7)
    text = ngettext(
        "One check was started in the last 30 days.",
        "%(count)s checks were started in the last 30 days, grouped by current status.",
        drawn.total,
    )
    return Chart(
        key="days",
        title=_("Orders per day"),
        sentence=text % {"count": format_count(drawn.total)}
        if drawn.total
        else _("No checks were started in the last 30 days."),
        table=_table(_("Day"), drawn, [_format_day(day) for day in days]),
        columns=drawn,
        legend=tuple((each.css, f"{each.name} {format_count(each.total)}") for each in drawn.series),
    )


def _updates(scope: Scope, now: datetime) -> Chart:
    counted = updates_waiting(scope, now)
    names = [_("< 5 min"), _("5–60 min"), _("1–6 h"), _("6–24 h"), _("> 1 day")]
    reasons = ((PENDING, _("In progress")), (PAUSED, _("Paused")), (REFUSED, _("Refused by Ashby")))
    series = [
        Series(name, f"chart-{key}", [counted.get((key, age), 0) for age in range(len(AGES) + 1)])
        for key, name in reasons
    ]
    drawn = columns(names, series)
    text = ngettext(
        "One update is waiting for Ashby.",
        "%(count)s updates are waiting for Ashby.",
        drawn.total,
    )
    return Chart(
        key="updates",
        title=_("Pending updates by age"),
        sentence=text % {"count": format_count(drawn.total)}
        if drawn.total
        else _("All updates have been sent to Ashby."),
        table=_table(_("Age"), drawn, names),
        columns=drawn,
        legend=tuple((each.css, f"{each.name} {format_count(each.total)}") for each in drawn.series),
    )


def _table(first: str, drawn: Columns, names: list[str]) -> tuple[list[str], list[list[str]]]:
    head = [first, *(each.name for each in drawn.series), _("All")]
    rows = []
    for place, name in enumerate(names):
        values = [each.values[place] for each in drawn.series]
        rows.append([name, *map(format_count, values), format_count(sum(values))])
    return head, rows if drawn.total else []


def _turnaround(completed: Completed) -> Chart:
    found = turnaround(completed)[:_MOST_PACKAGES]
    ticks = hour_ticks(max((each.p90 for each in found), default=0))
    half, most = _("Half are completed within"), _("90% are completed within")
    return Chart(
        key="turnaround",
        title=_("Turnaround by package"),
        sentence=_("Checks completed in the last 90 days.")
        if found
        else _("No checks were completed in the last 90 days."),
        table=(
            [_("Package"), _("Checks"), _("Median"), _("90th percentile")],
            [
                [
                    each.package,
                    format_count(each.count),
                    _hours(each.median),
                    _hours(each.p90),
                ]
                for each in found
            ],
        ),
        bars=bars(
            [
                (
                    each.package,
                    f"{_hours(each.median)} · {_hours(each.p90)}",
                    [
                        BarPart(each.p90, "chart-ninth", f"{each.package}: {most} {_hours(each.p90)}"),
                        BarPart(
                            each.median,
                            "chart-median",
                            f"{each.package}: {half} {_hours(each.median)}",
                        ),
                    ],
                )
                for each in found
            ],
            [(tick, _hours(tick) if tick else "0") for tick in ticks],
        ),
        legend=(("chart-median", half), ("chart-ninth", most)) if found else (),
    )


def _results(completed: Completed) -> Chart:
    counted = results(completed)
    rows = counted[:_MOST_RESULTS]
    if others := sum(count for _result, count in counted[_MOST_RESULTS:]):
        rows.append((_("Other"), others))
    total = sum(count for _result, count in rows)
    text = ngettext(
        "One check was completed in the last 90 days.",
        "%(count)s checks were completed in the last 90 days.",
        total,
    )
    shares = [(result, format_count(count), _share(count, total)) for result, count in rows]
    return Chart(
        key="results",
        title=_("Results"),
        sentence=text % {"count": format_count(total)}
        if total
        else _("No checks were completed in the last 90 days."),
        table=([_("Result"), _("Checks"), _("Share")], [list(row) for row in shares]),
        bars=bars(
            [
                (result, share, [BarPart(count, "chart-result", f"{result}: {format_count(count)}")])
                for (result, count), (_name, _count, share) in zip(rows, shares, strict=True)
            ],
            [(0, "0"), (max(total, 1), "")],
        ),
    )


def _share(count: int, total: int) -> str:
    share = 100 * count / total
    return f"{share:.0f} %" if share >= 1 else _("under 1 %")


def _hours(length: int) -> str:
    """``length``, in hours, as the charts show it."""
    return format_duration(timedelta(hours=length), units=2) if length >= 1 else _("under 1 h")


def _format_day(day: date) -> str:
    return date_format(day, "j M")


def format_count(count: int) -> str:
    return number_format(count, force_grouping=True)
