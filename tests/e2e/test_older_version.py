"""During an upgrade, web hosts of the older version run beside the newer schema and newer workers."""

import io
import shlex
import subprocess  # nosec B404 # reads this repository's own history
import zipfile
from pathlib import Path

import pytest

from tests.e2e.portal.processes import ROOT, Employer, Portal, eventually
from tests.fixtures.servers.portals import fresh_database, fresh_redis

pytestmark = [pytest.mark.journey, pytest.mark.services, pytest.mark.xdist_group("services")]


def git(*arguments: str) -> bytes:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout  # nosec B603 # noqa: S603 - no shell


@pytest.fixture
def older_version(tmp_path: Path) -> Path:
    """The files of the version before the newest migration."""
    migrations = ("assessments/migrations", "integrations/migrations")
    try:
        newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", *migrations).decode().strip()
        archive = git("archive", "--format=zip", f"{newest}^")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the history of the repository is not here")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "older")
    return tmp_path / "older"


def test_an_older_web_process_works_with_the_newer_schema_and_workers(
    older_version: Path, tmp_path: Path
) -> None:
    with fresh_database() as database, fresh_redis(tmp_path) as (broker, cache):
        portal = Portal(
            tmp_path, DATABASE_URL=database, CELERY_BROKER_URL=broker, CACHE_URL=cache, WEB_WORKERS="1"
        )
        web = f"cd {shlex.quote(str(older_version))} && exec {portal.commands['web']}"
        portal.commands["web"] = f"sh -c {shlex.quote(web)}"
        with portal:
            employer = Employer(portal)
            check, cancelled = employer.start(), employer.start()
            eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order")
            employer.control("ashby/cancel", org=employer.slug, assessment_id=cancelled)
            employer.step(check, status="Complete", result="Clear", push=True)
            eventually(lambda: employer.delivered(check)[-1:] == ["Complete"], "Ashby gets the result")
            assert employer.order(check)["result"] == "Clear"
            eventually(lambda: employer.order(cancelled)["status"] == "cancelled", "the check is cancelled")
