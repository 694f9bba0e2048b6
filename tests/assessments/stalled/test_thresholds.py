"""Subtraction of working days."""

from datetime import UTC, datetime

import pytest

from assessments.stalled.detect import business_days_before


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 2, 27, 12, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 2, 26, 23, 59, 59, tzinfo=UTC)),
    ],
    ids=["Wednesday", "Monday", "Sunday"],
)
def test_weekends_are_not_counted(day: datetime, expected: datetime) -> None:
    assert business_days_before(day, 1) == expected


def test_ten_working_days_are_two_weeks() -> None:
    wednesday = datetime(2026, 3, 18, 12, tzinfo=UTC)
    assert business_days_before(wednesday, 10) == datetime(2026, 3, 4, 12, tzinfo=UTC)
