"""Checks of the whole project: migrations, system checks, the API description."""

import io
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

_ROOT = Path(__file__).parent.parent
_EXCEPTED = re.compile(r"[#] (?:nosec|noqa: S\d).*")
_BANDIT, _RUFF = r"[#] nosec B\d+(?:, B\d+)* ", r"[#] noqa: S\d+(?:, S\d+)* - \w.*"
_WITH_ITS_REASON = re.compile(rf"{_BANDIT}[#] (?!noqa)\w.*|(?:{_BANDIT})?{_RUFF}")


def test_every_exception_from_the_security_rules_names_its_reason() -> None:
    lines = [line for path in _python_files() for line in path.read_text().splitlines()]
    excepted = [found[0] for line in lines if (found := _EXCEPTED.search(line))]
    assert [text for text in excepted if not _WITH_ITS_REASON.fullmatch(text)] == []


def test_no_file_is_excluded_from_the_security_rules_except_asserts_in_tests() -> None:
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]
    whole_files = settings["ruff"]["lint"]["per-file-ignores"].items()
    security = {rule for _, rules in whole_files for rule in rules if rule.startswith("S")}
    assert security == {"S101"}
    assert [rule for rule in settings["ruff"]["lint"]["ignore"] if rule.startswith("S")] == []
    assert settings["bandit"] == {"assert_used": {"skips": ["*/tests/*", "tests/*"]}}


def _python_files() -> Iterator[Path]:
    for package in ("assessments", "benchmarks", "config", "integrations", "tests"):
        yield from (_ROOT / package).rglob("*.py")


@pytest.mark.django_db
def test_every_model_change_has_a_migration() -> None:
    """A pulled version creates the tables that the code expects."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_documented_configuration_passes_all_checks() -> None:
    """The documented defaults pass Django's checks."""
    call_command("check", fail_level="WARNING", stdout=io.StringIO(), stderr=io.StringIO())


@pytest.mark.django_db
def test_the_api_description_lists_every_call(client) -> None:
    """OpenAPI 3.1 of the calls for Ashby and Justifacts."""
    schema = json.loads(client.get("/api/schema/?format=json").content)
    assert schema["openapi"].startswith("3.1")
    assert {
        "/ashby/assessment.list",
        "/ashby/assessment.start",
        "/ashby/assessment.cancel",
        "/ashby/assessment.customField.list",
        "/justifacts/assessment.update",
    } == set(schema["paths"])


@pytest.mark.django_db
def test_the_api_description_opens_in_a_browser(client) -> None:
    """The page loads nothing from another host."""
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert b"//cdn" not in page.content
