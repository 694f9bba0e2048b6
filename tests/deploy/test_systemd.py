"""The systemd units, installed into a root of the test's own by their script."""

import re
import shutil
import subprocess  # nosec B404 # the tests start the project's own script and systemd's tools
from pathlib import Path

import pytest

from tests.fixtures.environment import ROOT, values_in
from tests.fixtures.servers.services import missing

INSTALL = ROOT / "deploy" / "systemd" / "install.sh"
UNITS = ["portal-migrate", "portal-web", "portal-worker@1", "portal-scheduler"]
#: The highest exposure that is accepted, in tenths, of 10 at most: ``systemd-analyze security``.
MOST_EXPOSURE = 25


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # nosec B603 # noqa: S603 - no shell


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with systemd's own units and the portal's environment."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze is not installed")
    shutil.copytree("/usr/lib/systemd/system", tmp_path / "usr/lib/systemd/system", symlinks=True)
    (tmp_path / "etc").mkdir()
    python = tmp_path / "opt/portal/.venv/bin/python"
    python.parent.mkdir(parents=True)
    shutil.copy("/usr/bin/env", python)
    return tmp_path


def test_the_units_are_valid_and_hardened(root: Path) -> None:
    assert run(INSTALL, "--root", root).returncode == 0
    for unit in UNITS:
        verified = run("systemd-analyze", "verify", f"--root={root}", f"{unit}.service")
        assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
        options = ["--offline=yes", f"--root={root}", f"--threshold={MOST_EXPOSURE}", "--no-pager"]
        checked = run("systemd-analyze", "security", *options, f"{unit}.service")
        assert checked.returncode == 0, checked.stdout[-300:]


def test_installing_again_keeps_the_secrets_and_the_settings(root: Path) -> None:
    assert run(INSTALL, "--root", root).returncode == 0
    credentials, settings = root / "etc/portal/credentials", root / "etc/portal/portal.env"
    key = (credentials / "SECRET_KEY").read_text()
    settings.write_text("PORTAL_BASE_URL=https://checks.example.com\n")
    (credentials / "DATABASE_URL").write_text("postgres://db/portal\n")
    assert run(INSTALL, "--root", root).returncode == 0
    assert (credentials / "SECRET_KEY").read_text() == key
    assert (credentials / "DATABASE_URL").read_text() == "postgres://db/portal\n"
    assert settings.read_text() == "PORTAL_BASE_URL=https://checks.example.com\n"
    assert credentials.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in credentials.iterdir()} == {0o600}


def test_the_units_give_the_portal_its_secrets_as_files(root: Path) -> None:
    assert run(INSTALL, "--root", root).returncode == 0
    credentials = root / "etc/portal/credentials"
    (credentials / "DATABASE_URL").write_text("postgres://db/portal\n")
    (credentials / "CELERY_BROKER_URL").write_text("redis://broker:6379/0\n")
    unit = (root / "etc/systemd/system/portal-.service.d/common.conf").read_text()
    loaded = dict(re.findall(r"^LoadCredential=(\w+):(\S+)$", unit, re.MULTILINE))
    assert {str(root) + path for path in loaded.values()} == {str(file) for file in credentials.iterdir()}
    environment = dict(re.findall(r"^Environment=(\w+_FILE)=%d/(\w+)$", unit, re.MULTILINE))
    found = values_in(
        root / "var", **{name: str(root) + loaded[credential] for name, credential in environment.items()}
    )
    assert found["GENERATED_SECRETS"] == {}
    assert (found["DATABASE_URL"], found["CELERY_BROKER_URL"]) == (
        "postgres://db/portal",
        "redis://broker:6379/0",
    )
    assert found["SECRET_KEY"] == (credentials / "SECRET_KEY").read_text().strip()


def test_without_the_portal_nothing_is_installed(tmp_path: Path) -> None:
    done = run(INSTALL, "--root", tmp_path)
    assert done.returncode == 1
    assert "Check the portal out to /opt/portal and run 'make install' there." in done.stderr
    assert list(tmp_path.iterdir()) == []
