"""The process: start, shutdown, storage, secrets, and the errors of the control API."""

from __future__ import annotations

import ast
import json
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "integrations" / "sandbox"
SECRETS = ("verify-secret-0815-abcd", "ashby-secret-4711-wxyz")
CONFIG = {
    "orgs": [
        {
            "name": "Acme",
            "slug": "acme",
            "verification_key": SECRETS[0],
            "ashby_keys": [{"key": SECRETS[1], "title": "Justifacts"}],
            "portal_url": "http://127.0.0.1:1/ashby/",
        }
    ]
}


def place(box, reference: str):
    body = {
        "assessment_type_id": "JF-PKG-1001",
        "reference_id": reference,
        "candidate": {"first_name": "Ida", "last_name": f"Leaks {SECRETS[0]}", "email": "ida@example.com"},
        "application": {"ashby_id": "a"},
        "job": {"ashby_id": "j", "name": "Cook"},
    }
    url = f"{box.url}/jfacts/servlet/application_ashby/assessment.start"
    headers = {"Idempotency-Key": reference}
    return box.session.post(url, json=body, auth=(SECRETS[0], ""), headers=headers, timeout=5).json()


def test_the_data_survives_a_kill(new_sandbox, tmp_path):
    config, storage, reference = tmp_path / "config.json", tmp_path / "box.sqlite3", str(uuid.uuid4())
    config.write_text(json.dumps(CONFIG))
    arguments = ("--config", str(config), "--storage", str(storage))
    first = new_sandbox(*arguments)
    first.post("settings", push=False)
    number = place(first, reference)["results"]["assessment_id"]
    first.post(f"justifacts/orders/{number}/step")
    before = first.get("ledger", org="acme")
    # The data must not depend on an orderly shutdown.
    first.process.kill()
    first.process.wait()
    first.process.stdout.close()
    first.session.close()
    second = new_sandbox(*arguments)
    assert second.get("ledger", org="acme") == before
    assert second.get(f"justifacts/orders/{reference}")["status"] == "Applicant Started"
    assert place(second, str(uuid.uuid4()))["results"]["assessment_id"] > number
    assert second.stop() == 0
    third = new_sandbox(*arguments)
    assert third.get("calls", org="acme")["calls"], "an orderly shutdown lost the recorded calls"


def test_no_key_is_in_storage_recorded_calls_or_pages(new_sandbox, tmp_path):
    storage = tmp_path / "box.sqlite3"
    box = new_sandbox("--storage", str(storage), env={"SANDBOX_CONFIG": json.dumps(CONFIG)})
    headers = {"Accept": "application/json; version=1", "User-Agent": f"portal {SECRETS[1]}"}
    for key in (SECRETS[1], "unknown-key-1234"):
        box.session.post(
            f"{box.url}/ashby-api/apiKey.info", json={}, auth=(key, ""), headers=headers, timeout=5
        )
    box.session.post(
        f"{box.url}/ashby-api/job.list?k={SECRETS[1]}", json={"x": SECRETS[1]}, auth=(SECRETS[1], "")
    )
    box.post("ashby/list", org="acme")
    place(box, str(uuid.uuid4()))
    texts = [
        box.session.get(f"{box.url}{path}", timeout=9).text
        for path in (
            "/",
            "/control/calls",
            "/control/orgs",
            "/control/settings",
            "/ashby/acme/settings",
            "/justifacts/acme/",
        )
    ]
    assert "Basic ••••abcd" in json.dumps(json.loads(texts[1]), ensure_ascii=False)
    assert "Basic ••••wxyz" in json.dumps(json.loads(texts[1]), ensure_ascii=False)
    assert box.stop() == 0
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"apiKey.info" in stored
    for secret in (*SECRETS, "unknown-key-1234"):
        assert secret.encode() not in stored
        assert all(secret not in text for text in texts)


def test_the_process_ends_promptly_while_a_call_hangs(new_sandbox, eventually):
    box = new_sandbox(env={"SANDBOX_CONFIG": json.dumps(CONFIG)})
    box.post("failures", side="justifacts", mode="hang", seconds=60)

    def hang():
        url = f"{box.url}/jfacts/servlet/application_ashby/assessment.list"
        with pytest.raises(requests.RequestException):
            requests.post(url, json={}, auth=(SECRETS[0], ""), timeout=20)

    caller = threading.Thread(target=hang)
    caller.start()
    eventually(lambda: box.get("failures")["failures"][0]["hits"])
    began = time.monotonic()
    assert box.stop() == 0
    caller.join(5)
    assert time.monotonic() - began < 2


def test_an_invalid_configuration_is_reported_in_one_line_without_the_key(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"orgs": [{"slug": "acme", "verification_key": "top-secret-key"')
    command = [sys.executable, "-m", "integrations.sandbox", "--port", "0", "--config", str(config)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)  # nosec B603 # noqa: S603 - our own command, no shell
    assert ended.returncode == 1
    assert ended.stderr.startswith("sandbox: the configuration is not JSON")
    assert "top-secret-key" not in ended.stderr + ended.stdout


def test_the_sandbox_imports_nothing_of_the_portal():
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                root = name.split(".")[0]
                assert root not in ("django", "config", "assessments", "requests"), f"{file.name}: {name}"
                assert root != "integrations" or name.startswith("integrations.sandbox"), (
                    f"{file.name}: {name}"
                )


def test_a_reset_deletes_data_and_keeps_organizations(new_sandbox):
    box = new_sandbox(env={"SANDBOX_CONFIG": json.dumps(CONFIG)})
    box.post("settings", push=False)
    place(box, str(uuid.uuid4()))
    box.post("reset")
    assert box.get("ledger", org="acme")["orders"] == 0
    assert box.get("calls")["calls"] == []
    assert place(box, str(uuid.uuid4()))["success"] is True


def test_the_seed_data_has_the_configured_size_and_is_reproducible(sandbox, new_org):
    org = new_org(jobs=4, candidates=30)
    assert (len(org.info["jobs"]), len(org.info["applications"])) == (4, 30)
    repeated = sandbox.post("orgs", **org.config)["orgs"][0]
    assert repeated["applications"] == org.info["applications"]


def test_calls_are_not_recorded_if_recording_is_off(org, sandbox):
    sandbox.post("settings", org=org.slug, record_calls=False)
    org.justifacts("assessment.list")
    assert sandbox.get("calls", org=org.slug)["calls"] == []


def test_calls_are_recorded_in_both_directions(org, sandbox):
    org.start()
    org.ashby("apiKey.info")
    directions = {(one["direction"], one["name"]) for one in sandbox.get("calls", org=org.slug)["calls"]}
    assert {("out", "assessment.list"), ("out", "assessment.start"), ("in", "apiKey.info")} <= directions
    (info,) = sandbox.get("calls", org=org.slug, side="ashby", name="apiKey.info")["calls"]
    assert info["request_headers"]["authorization"] == f"Basic ••••{org.ashby_key[-4:]}"
    assert info["request_id"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("orgs", {"slug": "No Slug"}, 400),
        ("orgs", {"slug": "x", "colour": "red"}, 400),
        ("orgs", {"slug": "x", "portal_url": "ftp://x"}, 400),
        ("settings", {"colour": "red"}, 400),
        ("settings", {"push": "yes"}, 400),
        ("settings", {"org": "nobody", "push": True}, 404),
        ("ashby/start", {"org": "nobody"}, 404),
        ("justifacts/orders/JF-0/step", {}, 404),
    ],
)
def test_an_invalid_control_call_is_answered_with_an_error(sandbox, path, body, status):
    answer = sandbox.session.post(f"{sandbox.url}/control/{path}", json=body, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_verification_key_of_another_organization_is_refused(org, sandbox):
    body = {"slug": "thief", "verification_key": org.verification_key}
    assert sandbox.session.post(f"{sandbox.url}/control/orgs", json=body, timeout=5).status_code == 400


def test_a_missing_page_is_answered_404(sandbox):
    for path in ("/ashby/nobody/", "/justifacts/nobody/", "/reports/JF-0"):
        answer = sandbox.session.get(f"{sandbox.url}{path}", timeout=5)
        assert (answer.status_code, "Not found" in answer.text) == (404, True)


def test_pages_forbid_content_of_other_sites(org, sandbox):
    for path in ("/", f"/ashby/{org.slug}/", f"/justifacts/{org.slug}/", "/failures"):
        answer = sandbox.session.get(f"{sandbox.url}{path}", timeout=5)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for name in ("sandbox.css", "sandbox.js", "icon.svg"):
        assert sandbox.session.get(f"{sandbox.url}/static/{name}", timeout=5).status_code == 200
