"""``make run`` and ``make demo``: everything in the foreground, and nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.journey.processes import ROOT, eventually, free_port

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("embedded")]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_the_demo_says_what_to_click_and_ends_without_leaving_a_process(
    tmp_path: Path, how: signal.Signals
) -> None:
    """The one command of the README, ended in either way."""
    port, sandbox_port = free_port(), free_port()
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen(
            [
                *(sys.executable, "-m", "config.processes", "demo"),
                *("--port", str(port), "--sandbox-port", str(sandbox_port)),
            ],
            env={**os.environ, "VAR_DIR": str(tmp_path / "var")},
            cwd=ROOT,
            stdout=file,
            stderr=file,
        )
        eventually(lambda: b"Click first" in output.read_bytes() or demo.poll() is not None, "the banner", 90)
        assert b"Click first" in output.read_bytes(), output.read_text()
        answer = requests.post(
            f"http://127.0.0.1:{sandbox_port}/control/ashby/list", json={"org": "acme"}, timeout=20
        ).json()
        assert answer["body"]["success"] is True
        assert answer["body"]["results"]
        demo.send_signal(how)
        demo.wait(timeout=30)
    eventually(lambda: not _processes_of(tmp_path), "no process is left", 10)


def _processes_of(folder: Path) -> list[str]:
    """Processes that work on this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"VAR_DIR={folder}".encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except (PermissionError, ProcessLookupError, FileNotFoundError):
            continue
    return found
