"""``docs/architecture.md`` shows the packages and files that exist, and no folder or file is too large."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_APPS = ("assessments", "integrations")
_MOST_FILES, _MOST_LINES = 12, 300
#: Edges and base, whose files the page does not list.
_NOT_LISTED = {"admin", "api", "management", "migrations", "models", "sandbox", "templatetags", "static"}


def documented(app: str) -> dict[str, set[str]]:
    """The files of each package, as the page lists them."""
    page = (_ROOT / "docs/architecture.md").read_text()
    section = page.split(f"\n## `{app}`: ")[1].split("\n## ")[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    found: dict[str, set[str]] = {}
    for packages, _, files in rows:
        names = set(re.findall(r"`(\w+)`", files))
        found |= {
            package: names for package in re.findall(r"`(\w+)/`", packages) if package not in _NOT_LISTED
        }
    return found


def existing(app: str) -> dict[str, set[str]]:
    folders = [path for path in (_ROOT / app).iterdir() if (path / "__init__.py").exists()]
    return {
        folder.name: {path.stem for path in folder.glob("*.py")} - {"__init__"}
        for folder in folders
        if folder.name not in _NOT_LISTED
    }


@pytest.mark.parametrize("app", _APPS)
def test_the_page_lists_the_files_of_each_package(app: str) -> None:
    assert documented(app) == existing(app)


@pytest.mark.parametrize("app", [*_APPS, "benchmarks", "config", "tests"])
def test_no_folder_has_more_than_twelve_files(app: str) -> None:
    files = [path for path in (_ROOT / app).rglob("*.py") if path.name != "__init__.py"]
    folders = [path.parent.relative_to(_ROOT).as_posix() for path in files if "migrations" not in path.parts]
    assert {folder: n for folder in folders if (n := folders.count(folder)) > _MOST_FILES} == {}


def test_no_file_is_longer_than_300_lines() -> None:
    paths = [path for app in (*_APPS, "config", "benchmarks") for path in (_ROOT / app).rglob("*.py")]
    lengths = {
        path.relative_to(_ROOT).as_posix(): len(path.read_text().splitlines())
        for path in paths
        if "migrations" not in path.parts
    }
    lengths.pop("config/settings.py")
    assert {path: length for path, length in lengths.items() if length > _MOST_LINES} == {}
