"""``manage.py check`` reports wrong settings for orders, each with a hint."""

from typing import Any

import pytest
from django.core.checks import run_checks


def messages() -> list[Any]:
    return [message for message in run_checks() if message.id.startswith("assessments.")]


def test_correct_settings_produce_no_message() -> None:
    assert messages() == []


@pytest.mark.parametrize(
    ("setting", "value", "check_id"),
    [
        ("RETENTION_DAYS", 29, "assessments.E001"),
        ("RETENTION_DAYS", 3651, "assessments.E001"),
        ("POLL_INTERVAL_SECONDS", 0, "assessments.E002"),
        ("POLL_INTERVAL_SECONDS", -5, "assessments.E002"),
        ("ASSESSMENT_START_REPLAY_SECONDS", 0, "assessments.W001"),
    ],
)
def test_a_wrong_setting_is_reported_with_a_hint(settings, setting: str, value: int, check_id: str) -> None:
    setattr(settings, setting, value)
    (message,) = messages()
    assert message.id == check_id
    assert setting in message.msg
    assert message.hint
