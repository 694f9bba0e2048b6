"""The process itself: start, end, storage, secrets, the control API's manners."""

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


def test_a_restart_goes_on_with_its_data(new_sandbox, tmp_path):
    config, storage, reference = tmp_path / "config.json", tmp_path / "box.sqlite3", str(uuid.uuid4())
    config.write_text(json.dumps(CONFIG))
    arguments = ("--config", str(config), "--storage", str(storage))
    first = new_sandbox(*arguments)
    first.post("settings", push=False)
    number = place(first, reference)["results"]["assessment_id"]
    first.post(f"justifacts/orders/{number}/step")
    before = first.get("ledger", org="acme")
    # The hard way: nothing may depend on an orderly end.
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
    assert third.get("calls", org="acme")["calls"], "calls outlive an orderly end"


def test_no_secret_reaches_storage_calls_or_pages(new_sandbox, tmp_path):
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
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"apiKey.info" in kept
    for secret in (*SECRETS, "unknown-key-1234"):
        assert secret.encode() not in kept
        assert all(secret not in text for text in texts)


def test_it_ends_promptly_while_a_call_hangs(new_sandbox, eventually):
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


def test_a_bad_configuration_ends_in_one_line_without_the_key(tmp_path):
    config = tmp_path / "config.json"
    config.write_text('{"orgs": [{"slug": "acme", "verification_key": "top-secret-key"')
    command = [sys.executable, "-m", "integrations.sandbox", "--port", "0", "--config", str(config)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)  # nosec B603 # noqa: S603 - our own command, no shell
    assert ended.returncode == 1
    assert ended.stderr.startswith("sandbox: the configuration is not JSON")
    assert "top-secret-key" not in ended.stderr + ended.stdout


def test_it_imports_nothing_of_the_portal():
    for file in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                root = name.split(".")[0]
                assert root not in ("django", "config", "assessments", "requests"), f"{file.name}: {name}"
                assert root != "integrations" or name.startswith("integrations.sandbox"), (
                    f"{file.name}: {name}"
                )


def test_reset_forgets_data_and_keeps_orgs(new_sandbox):
    box = new_sandbox(env={"SANDBOX_CONFIG": json.dumps(CONFIG)})
    box.post("settings", push=False)
    place(box, str(uuid.uuid4()))
    box.post("reset")
    assert box.get("ledger", org="acme")["orders"] == 0
    assert box.get("calls")["calls"] == []
    assert place(box, str(uuid.uuid4()))["success"] is True


def test_seed_data_is_the_same_at_each_start_and_can_be_sized(sandbox, new_world):
    world = new_world(jobs=4, candidates=30)
    assert (len(world.info["jobs"]), len(world.info["applications"])) == (4, 30)
    again = sandbox.post("orgs", **world.config)["orgs"][0]
    assert again["applications"] == world.info["applications"]


def test_recording_can_be_off(world, sandbox):
    sandbox.post("settings", org=world.slug, record_calls=False)
    world.justifacts("assessment.list")
    assert sandbox.get("calls", org=world.slug)["calls"] == []


def test_calls_are_recorded_in_both_directions(world, sandbox):
    world.start()
    world.ashby("apiKey.info")
    directions = {(one["direction"], one["name"]) for one in sandbox.get("calls", org=world.slug)["calls"]}
    assert {("out", "assessment.list"), ("out", "assessment.start"), ("in", "apiKey.info")} <= directions
    (info,) = sandbox.get("calls", org=world.slug, side="ashby", name="apiKey.info")["calls"]
    assert info["request_headers"]["authorization"] == f"Basic ••••{world.ashby_key[-4:]}"
    assert info["request_id"] == json.loads(json.dumps(info))["request_id"]


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
def test_mistakes_are_answered_in_words(sandbox, path, body, status):
    answer = sandbox.session.post(f"{sandbox.url}/control/{path}", json=body, timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_verification_key_belongs_to_one_org(world, sandbox):
    body = {"slug": "thief", "verification_key": world.verification_key}
    assert sandbox.session.post(f"{sandbox.url}/control/orgs", json=body, timeout=5).status_code == 400


def test_pages_that_are_not_there_say_so(sandbox):
    for path in ("/ashby/nobody/", "/justifacts/nobody/", "/reports/JF-0"):
        answer = sandbox.session.get(f"{sandbox.url}{path}", timeout=5)
        assert (answer.status_code, "Not found" in answer.text) == (404, True)


def test_pages_load_nothing_from_elsewhere(world, sandbox):
    for path in ("/", f"/ashby/{world.slug}/", f"/justifacts/{world.slug}/", "/failures"):
        answer = sandbox.session.get(f"{sandbox.url}{path}", timeout=5)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    for name in ("sandbox.css", "sandbox.js", "icon.svg"):
        assert sandbox.session.get(f"{sandbox.url}/static/{name}", timeout=5).status_code == 200
