"""The walls of the house (pyproject.toml, [tool.importlinter])."""

import re
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path


def test_every_import_keeps_to_the_rules() -> None:
    """Who may import whom."""
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_environments_module_reads_the_environment() -> None:
    """Others may pass it on to a child process or name the settings module, and connect_org may
    read its two secrets."""
    allowed = {
        "config/env.py",
        "config/celery.py",
        "config/wsgi.py",
        "config/demo.py",
        "config/wait_for_database.py",
        "integrations/management/commands/connect_org.py",
    }
    readers = {
        str(path)
        for package in ("config", "integrations", "assessments")
        for path in Path(package).rglob("*.py")
        if "sandbox" not in path.parts and ("os.environ" in path.read_text() or "getenv" in path.read_text())
    }
    assert readers <= allowed


def test_nothing_imports_allauths_internal_modules() -> None:
    """They change in any version. import-linter sees external packages as a whole."""
    pattern = re.compile(r"^\s*(from|import) allauth.*\binternal\b", re.MULTILINE)
    found = [
        str(path)
        for package in ("config", "integrations", "assessments", "tests")
        for path in Path(package).rglob("*.py")
        if pattern.search(path.read_text())
    ]
    assert found == []
