"""``manage.py check`` reports wrong settings for orders, each with a hint."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from tests.fixtures.world import World


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


def test_a_recovery_log_in_the_portal_s_own_database_is_an_error(settings, monkeypatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "db.internal")
    monkeypatch.setitem(connection.settings_dict, "NAME", "portal")
    settings.RECOVERY_LOG_DATABASE_URL = "postgres://portal:secret@db.internal:5432/portal"
    (message,) = messages()
    assert message.id == "assessments.E003"
    assert "secret" not in f"{message.msg} {message.hint}"
    settings.RECOVERY_LOG_DATABASE_URL = "postgres://portal:secret@other.internal:5432/portal"
    assert messages() == []


@pytest.mark.anywhere
def test_hosts_with_a_folder_each_are_reported_with_postgresql(settings, tmp_path) -> None:
    def ids() -> list[str]:
        return [
            found.id for found in run_checks(include_deployment_checks=True) if "assessments." in found.id
        ]

    settings.RECOVERY_LOG_DIR = settings.VAR_DIR / "journal"
    assert ids() == (["assessments.W002"] if connection.vendor == "postgresql" else [])
    settings.RECOVERY_LOG_DIR = tmp_path / "shared"
    assert ids() == []
    settings.RECOVERY_LOG_DIR = settings.VAR_DIR / "journal"
    settings.RECOVERY_LOG_DATABASE_URL = "postgres://other.internal/log"
    assert ids() == []


@pytest.mark.parametrize("url", ["postgres:/portal:hunter2@db/log", "postgres://p:hunter2%zz@db/log"])
def test_an_unreadable_url_of_the_recovery_log_is_reported_without_its_password(
    world: World, settings, caplog, url: str
) -> None:
    settings.RECOVERY_LOG_DATABASE_URL = url
    (message,) = messages()
    world.start()
    assert message.id == "assessments.E004"
    assert "RECOVERY_LOG_DATABASE_URL is not the URL" in caplog.text
    assert "hunter2" not in f"{message.msg} {message.hint} {caplog.text}"
