"""Where mail goes is one address in the environment."""

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
from typing import Any

import pytest

NAMES = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")


def settings_with(tmp_path, **environment: str) -> dict[str, Any]:
    """The mail settings of a process that starts with these variables."""
    code = (
        "import json; from config import settings as s; "
        f"print(json.dumps([*(getattr(s, 'EMAIL_' + n) for n in {NAMES}), s.DEFAULT_FROM_EMAIL]))"
    )
    done = subprocess.run(  # nosec B603 # noqa: S603 - our own command, no shell
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "VAR_DIR": str(tmp_path),
            "EMAIL_URL": "",
            "DEFAULT_FROM_EMAIL": "",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(zip((*NAMES, "FROM"), json.loads(done.stdout), strict=True))


def test_without_any_it_is_written_on_the_console(tmp_path) -> None:
    found = settings_with(tmp_path, PORTAL_BASE_URL="https://checks.example.com:8443")
    assert found["BACKEND"].endswith("console.EmailBackend")
    assert found["FROM"] == "portal@checks.example.com"


@pytest.mark.parametrize(
    ("url", "tls", "ssl", "port"),
    [
        ("smtp://mail.example.com", False, False, 25),
        ("smtp+tls://us%40er:p%2Fw@mail.example.com:587", True, False, 587),
        ("smtp+ssl://us%40er:p%2Fw@mail.example.com:465", False, True, 465),
    ],
)
def test_an_smtp_server(tmp_path, url: str, tls: bool, ssl: bool, port: int) -> None:
    found = settings_with(tmp_path, EMAIL_URL=url, DEFAULT_FROM_EMAIL="Checks <checks@example.com>")
    assert found["BACKEND"].endswith("smtp.EmailBackend")
    assert (found["HOST"], found["PORT"]) == ("mail.example.com", port)
    assert (found["USE_TLS"], found["USE_SSL"]) == (tls, ssl)
    assert (found["HOST_USER"], found["HOST_PASSWORD"]) == (("us@er", "p/w") if "@" in url else ("", ""))
    assert found["FROM"] == "Checks <checks@example.com>"
