"""What DATABASE_URL makes of the connections, and what they do in a transaction."""

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys

import pytest

from tests.e2e.processes import ROOT

_SHOW = """
import json
from django.conf import settings
found = settings.DATABASES["default"]
more = {"server_side": not found["DISABLE_SERVER_SIDE_CURSORS"], "host": found["HOST"]}
print(json.dumps(found["OPTIONS"] | more))
"""


def database(url: str, folder) -> dict:
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "-c", _SHOW],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": str(folder),
        },
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout))


def test_without_pgbouncer_time_limits_are_startup_options(tmp_path):
    found = database("postgres://portal@db/portal", tmp_path)
    assert found["options"] == "-c idle_in_transaction_session_timeout=20000 -c lock_timeout=10000"
    assert found["server_side"] is True


@pytest.mark.parametrize("name", ["true", "1", "on"])
def test_behind_pgbouncer_there_are_no_startup_options_and_no_server_side_cursors(name: str, tmp_path):
    found = database(f"postgres://portal@db/portal?pgbouncer={name}", tmp_path)
    assert "options" not in found
    assert "pgbouncer" not in found
    assert found["server_side"] is False


def test_the_primary_of_several_hosts_is_selected(tmp_path):
    found = database("postgres://portal@one,two/portal", tmp_path)
    assert (found["host"], found["target_session_attrs"]) == ("one,two", "read-write")
