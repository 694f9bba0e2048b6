"""Numbers become what the templates draw."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments.admin.dashboard.svg import (
    ABOVE,
    PLOT,
    BarPart,
    Series,
    bars,
    columns,
    count_ticks,
    hour_ticks,
)


def drawn(*values: list[int]):
    series = [Series(f"S{place}", f"css-{place}", row) for place, row in enumerate(values)]
    return columns([f"day {place}" for place in range(len(values[0]))], series)


def test_columns_are_stacked_from_the_bottom() -> None:
    chart = drawn([2, 0], [2, 4])
    below, above, alone = chart.rectangles
    assert (below.tooltip, above.tooltip, alone.tooltip) == ("day 0: S0 2", "day 0: S1 2", "day 1: S1 4")
    floor = ABOVE + PLOT
    assert float(below.y) + float(below.height) == floor
    assert float(above.y) + float(above.height) == float(below.y)
    assert float(alone.y) == ABOVE  # The highest column reaches the highest line.
    assert {part.x for part in (below, above)} == {"6%"}
    assert alone.x == "56%"


def test_what_has_no_value_is_neither_drawn_nor_named() -> None:
    chart = drawn([1, 2], [0, 0])
    assert [each.name for each in chart.series] == ["S0"]
    assert chart.total == 3


def test_an_empty_chart_still_has_its_lines() -> None:
    chart = drawn([0, 0])
    assert chart.rectangles == []
    assert [line.label for line in chart.lines] == ["0", "1"]


def test_only_some_columns_are_named() -> None:
    days = [str(day) for day in range(30)]
    chart = columns(days, [Series("S", "css", [1] * 30)], name_every=7)
    assert [name.label for name in chart.names] == ["0", "7", "14", "21", "28"]
    assert chart.names[0].at == "1.67%"


def test_bars_begin_at_the_left_and_end_at_their_value() -> None:
    chart = bars(
        [("Basic", "6 h", [BarPart(6, "wide", "six"), BarPart(3, "narrow", "three")])],
        [(0, "0"), (12, "12 h")],
    )
    assert [(part.css, part.x, part.width) for part in chart.rows[0].rectangles] == [
        ("wide", "0", "50%"),
        ("narrow", "0", "25%"),
    ]
    assert [(line.at, line.label) for line in chart.lines] == [("0%", "0"), ("100%", "12 h")]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (15, [0, 5, 10, 15]),
        (80, [0, 20, 40, 60, 80]),
        (1300, [0, 500, 1000, 1500]),
    ],
)
def test_counts_have_round_whole_lines(highest: int, ticks: list[int]) -> None:
    assert count_ticks(highest) == ticks


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [(0, [0, 1]), (5, [0, 2, 4, 6]), (30, [0, 12, 24, 36]), (220, [0, 72, 144, 216, 288])],
)
def test_hours_have_lines_at_hours_or_days(highest: int, ticks: list[int]) -> None:
    assert hour_ticks(highest) == ticks


@given(st.integers(0, 10_000_000))
def test_lines_are_few_and_reach_the_highest(highest: int) -> None:
    ticks = count_ticks(highest)
    assert 2 <= len(ticks) <= 5
    assert ticks[-1] >= highest
    assert len(ticks) == 2 or ticks[-2] < highest
