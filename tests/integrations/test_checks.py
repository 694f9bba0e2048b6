"""Wrong configuration, said by ``manage.py check`` with a hint for each."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from integrations import checks


@pytest.fixture(autouse=True)
def right(settings) -> None:
    settings.PORTAL_BASE_URL = "https://portal.example.com"
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.REQUIRE_TWO_FACTOR = True


def found() -> list[Any]:
    return [m for m in run_checks(include_deployment_checks=True) if m.id.startswith("integrations.")]


def test_a_right_configuration_has_nothing_to_say() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("setting", "value", "check_id"),
    [
        ("FIELD_ENCRYPTION_KEYS", ["not-a-key"], "integrations.E001"),
        ("FIELD_ENCRYPTION_KEYS", [Fernet.generate_key().decode(), ""], "integrations.E001"),
        ("FIELD_ENCRYPTION_KEYS", ["ümläut"], "integrations.E001"),
        ("ASHBY_API_BASE_URL", "api.ashbyhq.com", "integrations.E002"),
        ("RETENTION_DAYS", 29, "integrations.E006"),
        ("RETENTION_DAYS", 3651, "integrations.E006"),
        ("JUSTIFACTS_BASE_URL", "", "integrations.E002"),
        ("JUSTIFACTS_BASE_URL", "ftp://justifacts.test/", "integrations.E002"),
        ("JUSTIFACTS_BASE_URL", "https://[::1/", "integrations.E002"),
        ("POLL_INTERVAL_SECONDS", 0, "integrations.E003"),
        ("POLL_INTERVAL_SECONDS", -5, "integrations.E003"),
        ("PORTAL_BASE_URL", "http://portal.example.com", "integrations.W001"),
        ("PORTAL_BASE_URL", "https://localhost:8000", "integrations.W001"),
        ("ASSESSMENT_START_REPLAY_SECONDS", 0, "integrations.W002"),
        ("REQUIRE_TWO_FACTOR", False, "integrations.W003"),
    ],
)
def test_a_wrong_setting_is_named_with_a_hint(settings, setting: str, value: Any, check_id: str) -> None:
    setattr(settings, setting, value)
    (message,) = found()
    assert message.id == check_id
    assert setting in message.msg
    assert message.hint
    assert not any(key in message.msg + message.hint for key in settings.FIELD_ENCRYPTION_KEYS if key)


def test_a_variable_under_its_old_name_is_reported_with_the_new_one(settings) -> None:
    settings.DEPRECATED_VARIABLES = {"CLAIM_SECONDS": "LEASE_SECONDS"}
    (message,) = found()
    assert (message.id, message.msg) == (
        "integrations.W004",
        "CLAIM_SECONDS has been renamed to LEASE_SECONDS.",
    )
    assert "Set LEASE_SECONDS instead" in message.hint


def test_no_two_checks_share_an_id() -> None:
    """Who silences one, or looks one up, means that one."""
    ids = re.findall(r'id="(\w+\.[EW]\d+)"', Path(checks.__file__).read_text())
    assert len(ids) > 5
    assert len(ids) == len(set(ids))
