"""The geometry of charts: numbers become what the templates draw. Pure; knows no words and no data.

Widths are in per cent and heights in pixels, so that a chart fits any screen while its texts keep their
size. Positions are texts already: a template would write a decimal comma where the language has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

#: In pixels: the part in which columns stand, the room above it, and below it for labels.
PLOT, ABOVE, BELOW = 170, 10, 24
_MOST_TICKS = 5
_HOURS = (1, 2, 3, 6, 12, 24, 48, 72, 120, 240, 480, 720, 1440, 2880)


@dataclass(frozen=True)
class Tick:
    at: str
    label: str


@dataclass(frozen=True)
class Rectangle:
    """A part of a column or of a bar, with what is said of it on hovering."""

    css: str
    x: str
    y: str
    width: str
    height: str
    tooltip: str


@dataclass(frozen=True)
class Series:
    """One colour of a chart of columns: a value for each column."""

    name: str
    css: str
    values: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True)
class Columns:
    series: list[Series]
    rectangles: list[Rectangle]
    lines: list[Tick]
    names: list[Tick]
    height: int = ABOVE + PLOT + BELOW
    names_at: int = ABOVE + PLOT + BELOW - 6

    @property
    def total(self) -> int:
        return sum(series.total for series in self.series)


def columns(names: Sequence[str], series: Sequence[Series], *, name_every: int = 1) -> Columns:
    """Stacked columns, the first series at the bottom. A series without any value is left out."""
    used = [each for each in series if each.total]
    heights = [sum(each.values[place] for each in used) for place in range(len(names))]
    ticks = count_ticks(max(heights, default=0))
    width = 100 / max(len(names), 1)
    return Columns(
        series=used,
        rectangles=[
            rectangle
            for place, name in enumerate(names)
            for rectangle in _column(name, place, used, width, ticks[-1])
        ],
        lines=[Tick(_number(ABOVE + PLOT * (1 - tick / ticks[-1])), str(tick)) for tick in ticks],
        names=[
            Tick(_percent((place + 0.5) * width), name)
            for place, name in enumerate(names)
            if place % name_every == 0
        ],
    )


def _column(name: str, place: int, series: Sequence[Series], width: float, top: int) -> list[Rectangle]:
    found, bottom = [], float(ABOVE + PLOT)
    x, across = _percent((place + 0.12) * width), _percent(0.76 * width)
    for each in series:
        if value := each.values[place]:
            height = PLOT * value / top
            bottom -= height
            tooltip = f"{name}: {each.name} {value}"
            found.append(Rectangle(each.css, x, _number(bottom), across, _number(height), tooltip))
    return found


@dataclass(frozen=True)
class BarPart:
    """A bar from the left edge to a value; parts of a row lie upon each other, the longest first."""

    value: float
    css: str
    tooltip: str


@dataclass(frozen=True)
class BarRow:
    name: str
    value: str
    rectangles: list[Rectangle]


@dataclass(frozen=True)
class Bars:
    rows: list[BarRow]
    lines: list[Tick]


def bars(rows: Sequence[tuple[str, str, Sequence[BarPart]]], ticks: Sequence[tuple[float, str]]) -> Bars:
    """Lying bars: name, value in words, parts. The last tick is the right edge."""
    right = ticks[-1][0]

    def rectangle(part: BarPart) -> Rectangle:
        return Rectangle(part.css, "0", "0", _percent(100 * part.value / right), "100%", part.tooltip)

    return Bars(
        rows=[BarRow(name, value, [*map(rectangle, parts)]) for name, value, parts in rows],
        lines=[Tick(_percent(100 * at / right), label) for at, label in ticks],
    )


def count_ticks(highest: int) -> list[int]:
    """From 0 to at least the highest, in round whole steps."""
    steps = (factor * 10**power for power in count() for factor in (1, 2, 5))
    return _ticks(highest, next(step for step in steps if step * (_MOST_TICKS - 1) >= highest))


def hour_ticks(highest: int) -> list[int]:
    """From 0 to at least the highest number of hours, in steps that read well in hours and in days."""
    return _ticks(highest, next((step for step in _HOURS if step * (_MOST_TICKS - 1) >= highest), _HOURS[-1]))


def _ticks(highest: int, step: int) -> list[int]:
    return list(range(0, max(highest, 1) + step, step))


def _percent(number: float) -> str:
    return f"{_number(number)}%"


def _number(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
