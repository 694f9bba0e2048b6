"""Durations in words."""

from datetime import timedelta

import pytest

from assessments.text import format_duration


@pytest.mark.parametrize(
    ("length", "units", "shown"),
    [
        (timedelta(days=3, hours=2, minutes=5, seconds=9), 1, "3 d"),
        (timedelta(days=3, hours=2, minutes=5, seconds=9), 2, "3 d 2 h"),
        (timedelta(days=3, hours=2, minutes=5, seconds=9), 3, "3 d 2 h 5 min"),
        (timedelta(days=3, minutes=5), 2, "3 d"),
        (timedelta(days=3, minutes=5), 3, "3 d 5 min"),
        (timedelta(hours=23, minutes=59), 1, "23 h"),
        (timedelta(seconds=60), 1, "1 min"),
        (timedelta(seconds=59.9), 1, "59 s"),
        (timedelta(0), 3, "0 s"),
        (timedelta(seconds=-5), 1, "0 s"),
    ],
)
def test_a_duration_is_shown_by_its_largest_units(length: timedelta, units: int, shown: str) -> None:
    assert format_duration(length, units=units) == shown
