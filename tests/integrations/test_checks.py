"""``manage.py check`` reports wrong settings, each with a hint."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from assessments import checks as assessments_checks
from integrations import checks as integrations_checks


@pytest.fixture(autouse=True)
def correct_settings(settings) -> None:
    settings.PORTAL_BASE_URL = "https://portal.example.com"
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.REQUIRE_TWO_FACTOR = True


def messages() -> list[Any]:
    found = run_checks(include_deployment_checks=True)
    return [message for message in found if message.id.startswith("integrations.")]


def test_correct_settings_produce_no_message() -> None:
    assert messages() == []


@pytest.mark.parametrize(
    ("setting", "value", "check_id"),
    [
        ("FIELD_ENCRYPTION_KEYS", ["not-a-key"], "integrations.E001"),
        ("FIELD_ENCRYPTION_KEYS", [Fernet.generate_key().decode(), ""], "integrations.E001"),
        ("FIELD_ENCRYPTION_KEYS", ["ümläut"], "integrations.E001"),
        ("ASHBY_API_BASE_URL", "api.ashbyhq.com", "integrations.E002"),
        ("JUSTIFACTS_BASE_URL", "", "integrations.E002"),
        ("JUSTIFACTS_BASE_URL", "ftp://justifacts.test/", "integrations.E002"),
        ("JUSTIFACTS_BASE_URL", "https://[::1/", "integrations.E002"),
        ("PORTAL_BASE_URL", "http://portal.example.com", "integrations.W001"),
        ("PORTAL_BASE_URL", "https://localhost:8000", "integrations.W001"),
        ("REQUIRE_TWO_FACTOR", False, "integrations.W003"),
    ],
)
def test_a_wrong_setting_is_reported_with_a_hint(settings, setting: str, value: Any, check_id: str) -> None:
    setattr(settings, setting, value)
    (message,) = messages()
    assert message.id == check_id
    assert setting in message.msg
    assert message.hint
    assert not any(key in message.msg + message.hint for key in settings.FIELD_ENCRYPTION_KEYS if key)


def test_a_cache_of_each_process_is_refused_beside_a_broker_of_several(settings) -> None:
    settings.CELERY_BROKER_URL = "redis://redis.example.com"
    assert "integrations.E009" in [message.id for message in run_checks()]


def test_a_variable_under_its_old_name_is_reported_with_the_new_one(settings) -> None:
    settings.DEPRECATED_VARIABLES = {"CLAIM_SECONDS": "LEASE_SECONDS"}
    (message,) = messages()
    assert (message.id, message.msg) == (
        "integrations.W004",
        "CLAIM_SECONDS has been renamed to LEASE_SECONDS.",
    )
    assert "Set LEASE_SECONDS instead" in message.hint


def test_no_two_checks_share_an_id() -> None:
    """An id in ``SILENCED_SYSTEM_CHECKS`` must silence only one."""
    paths = (Path(integrations_checks.__file__), Path(assessments_checks.__file__))
    ids = [found for path in paths for found in re.findall(r'id="(\w+\.[EW]\d+)"', path.read_text())]
    assert len(ids) > 5
    assert len(ids) == len(set(ids))
