"""Several commands fetch the same lists at the same moment, each in a process of its own.

The same on PostgreSQL, by threads: tests/assessments/placement/test_concurrency.py.
"""

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fixtures.servers.migrated import copy_sqlite

ROOT = Path(__file__).resolve().parents[3]
AT_ONCE, ROUNDS = 4, 2
#: Runs one command in each round.
_FETCH = """
import io, json
from django.core.management import call_command
for _ in range({rounds}):
    said = io.StringIO()
    call_command("{command}", "acme", "--json", stdout=said)
    print(json.dumps(json.loads(said.getvalue())))
"""


class BothEndpoints(ThreadingHTTPServer):
    """Ashby and Justifacts. Each round has other packages and jobs, and answers once all have asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.round = -1
        self.together = threading.Barrier(AT_ONCE, action=self._begin_round)

    def _begin_round(self) -> None:
        self.round += 1

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        side: BothEndpoints = self.server  # type: ignore[assignment]
        side.together.wait(60)
        # Two of each three entries are there in the next round, too.
        numbers = range(side.round * 10, side.round * 10 + 30)
        results = [
            {"assessment_type_id": f"P-{n}", "id": f"J-{n}", "name": f"P {n}", "title": f"J {side.round} {n}"}
            for n in numbers
        ]
        body = json.dumps({"success": True, "results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def endpoints() -> Iterator[BothEndpoints]:
    with BothEndpoints() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


def test_fetches_at_the_same_moment_all_succeed(endpoints: BothEndpoints, tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {
        **inherited,
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "OUTBOUND_ALLOWED_HOSTS": endpoints.host,
        "ASHBY_API_BASE_URL": f"http://{endpoints.host}",
        "JUSTIFACTS_KEY": "verify-at-once-0123456789",
        "ASHBY_KEY": "ashby-at-once-0123456789",
    }

    def begin(*arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    copy_sqlite(tmp_path)
    process = begin("connect_org", "Acme", "--base-url", f"http://{endpoints.host}/jf/")
    _said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    commands = ["sync_packages", "sync_jobs"] * (AT_ONCE // 2)
    added = dict.fromkeys(commands, 0)
    changed = dict.fromkeys(commands, 0)
    fetches = [
        begin("shell", "--verbosity", "0", "-c", _FETCH.format(rounds=ROUNDS, command=command))
        for command in commands
    ]
    for command, fetch in zip(commands, fetches, strict=True):
        said, wrong = fetch.communicate(timeout=120)
        assert (fetch.returncode, wrong) == (0, "")
        for line in said.splitlines():
            added[command] += len(json.loads(line)["added"])
            changed[command] += len(json.loads(line)["changed"])
    assert added == {"sync_packages": 40, "sync_jobs": 40}, "each entry is added by one of the fetches"
    assert changed == {"sync_packages": 0, "sync_jobs": 20}, "each change is made by one of the fetches"
