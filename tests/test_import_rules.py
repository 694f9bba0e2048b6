"""Imports and names keep to docs/architecture.md; most rules are in pyproject.toml, [tool.importlinter]."""

import ast
import re
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from collections.abc import Iterator
from pathlib import Path


def test_every_import_keeps_to_the_rules() -> None:
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_environments_module_reads_the_environment() -> None:
    """Others may pass it to a child process or name the settings module, and connect_org may read its two
    secrets."""
    allowed = {
        "config/env.py",
        "config/celery.py",
        "config/wsgi.py",
        "config/demo.py",
        "config/run.py",
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
    """Internal modules change in any version. import-linter sees external packages as a whole."""
    pattern = re.compile(r"^\s*(from|import) allauth.*\binternal\b", re.MULTILINE)
    found = [
        str(path)
        for package in ("config", "integrations", "assessments", "tests")
        for path in Path(package).rglob("*.py")
        if pattern.search(path.read_text())
    ]
    assert found == []


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, and ``module.name`` for each name that it imports from one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def test_migrations_import_only_code_that_keeps_its_name() -> None:
    """A migration runs years after it was written, so code that it imports must not be renamed lightly."""
    fine = ("models", "encryption", "http.urls", "audit.triggers", "search", "role_grants", "migrations")
    allowed = tuple(f"{app}.{module}" for app in ("integrations", "assessments") for module in fine)
    paths = [path for app in ("integrations", "assessments") for path in Path(app, "migrations").glob("*.py")]
    assert len(paths) > 20
    others = {
        f"{path}: {name}"
        for path in paths
        for name in imports(path)
        if name.startswith(("integrations.", "assessments.", "config."))
        and not any(f"{name}.".startswith(f"{module}.") for module in allowed)
    }
    assert others == set()


def test_integrations_does_not_name_the_app_that_builds_on_it() -> None:
    """URL names, permissions and table names would tie the apps together as imports do. The sandbox plays
    Ashby, whose word for orders it is."""
    paths = [
        *(
            path
            for path in Path("integrations").rglob("*.py")
            if not {"migrations", "sandbox"} & {*path.parts}
        ),
        *Path("templates/admin/integrations").rglob("*.html"),
    ]
    assert len(paths) > 100
    assert [str(path) for path in paths if "assessments" in path.read_text()] == []
