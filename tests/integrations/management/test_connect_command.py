"""Commands run through the real ``manage.py``, in their own processes, as in an operator's shell."""

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from pathlib import Path

import pytest

from tests.fixtures.console import Console
from tests.fixtures.servers.migrated import copy_sqlite

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {"JUSTIFACTS_KEY": " verify-real-0123456789\n", "ASHBY_KEY": "ashby-real-0123456789"}


class Shell:
    def __init__(self, var: Path) -> None:
        self.var = var

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        result = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={**inherited, "VAR_DIR": str(self.var), "DATABASE_URL": "", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        for secret in SECRETS.values():
            assert secret.strip() not in result.stdout + result.stderr
        return result

    def fails(self, *arguments: str, **environment: str) -> str:
        """Asserts that the command exits with 1 and prints the reason in one line."""
        result = self.run(*arguments, **environment)
        assert result.returncode == 1
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        return line


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Shell:
    """A folder without a database."""
    return Shell(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("var"))
    copy_sqlite(shell.var)
    return shell


def test_connecting_an_organization_can_be_repeated(shell: Shell) -> None:
    expected = {
        "organization": "Zoë & Söhne",
        "slug": "zoe",
        "ashby_base_url": "https://portal.example.com/ashby/",
    }
    connect = ("connect_org", "Zoë & Söhne", "--slug", "zoe", "--base-url", "https://127.0.0.1:9/jf/")
    assert "points to a private network" in shell.fails(*connect, **SECRETS)
    for _ in range(2):
        result = shell.run(
            *connect,
            PORTAL_BASE_URL="https://portal.example.com",
            OUTBOUND_ALLOWED_HOSTS="127.0.0.1:9",
            **SECRETS,
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert json.loads(result.stdout) == expected
    kept = b"".join(path.read_bytes() for path in shell.var.rglob("*") if path.is_file())
    for secret in SECRETS.values():
        assert secret.strip().encode() not in kept

    # The operator has withdrawn the exception: a URL stored earlier is not called now.
    line = shell.fails("sync_packages", "zoe")
    assert "private address" in line
    again = shell.run("check_connection", "zoe", "--json", ASHBY_API_BASE_URL="https://127.0.0.1:9")
    assert again.returncode == 1
    assert [finding["ok"] for finding in json.loads(again.stdout)["findings"]] == [False, False]
    assert len(again.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["order", "8a1f2b9e-0000-4000-8000-000000000000"], "8a1f2b9e"), (["retry"], "uuid")],
    ids=["unknown value", "missing argument"],
)
def test_a_failure_prints_one_line_and_exits_with_1(shell: Shell, arguments: list[str], says: str) -> None:
    """As every failure of a command does: found by the command, or by the parser of its arguments."""
    assert says in shell.fails(*arguments)


def test_an_unknown_organization_and_an_empty_id_are_named(db: None, console: Console) -> None:
    assert "nobody" in console.fails("check_connection", "nobody")
    assert "not an assessment id" in console.fails("retry", "")


def test_a_database_without_tables_is_reported_in_one_line(empty: Shell) -> None:
    """By every command, since all have one base class."""
    assert "migrate" in empty.fails("sync_jobs", "acme")
