"""A real sandbox process, a minimal portal, and a new organization for each test."""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404 # the tests start the project's own commands
import sys
import threading
import time
import uuid
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.e2e.portal import processes

ROOT = Path(__file__).resolve().parents[2]
TYPE_ID = str(uuid.uuid5(uuid.NAMESPACE_DNS, "type.example"))


class Portal:
    """A minimal portal that records its calls. ``answers``: functions of a call, by organization and name."""

    def __init__(self) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # Head and body in one packet: Nagle's algorithm would add 40 ms a call.

            def do_POST(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                portal.handle(self, raw)

            def log_message(self, *args):
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self.server.server_port}"
        self.received: dict[str, list[dict]] = {}
        self.answers: dict[tuple[str, str], object] = {}
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def handle(self, handler, raw: bytes) -> None:
        """Record one call and answer it; a status of ``None`` closes the connection."""
        slug, name = handler.path.split("/")[1], handler.path.rstrip("/").split("/")[-1]
        call = {"path": handler.path, "name": name, "headers": dict(handler.headers), "raw": raw}
        self.received.setdefault(slug, []).append(call)
        make_answer = self.answers.get((slug, name))
        status, body = make_answer(call) if make_answer else (200, self.default_answer(name, raw))
        if status is None:
            handler.close_connection = True
            return
        out = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(out)))
        handler.end_headers()
        handler.wfile.write(out)

    @staticmethod
    def default_answer(name: str, raw: bytes) -> dict:
        """What a correct portal answers."""
        if name == "assessment.list":
            return {
                "success": True,
                "results": [{"assessment_type_id": TYPE_ID, "name": "Basic", "description": ""}],
            }
        if name == "assessment.customField.list":
            return {"success": True, "fields": []}
        if name == "assessment.start":
            identifier = str(uuid.uuid4())
            update = {
                "assessment_id": identifier,
                "timestamp": int(time.time() * 1000) - 1000,
                "assessment_status": data("order_status", "Sending to Justifacts"),
            }
            return {"success": True, "results": {"assessment_id": identifier, "update_request": update}}
        return {"success": True, "results": {"assessment_id": json.loads(raw).get("assessment_id")}}

    def calls(self, slug: str, name: str) -> list[dict]:
        """An organization's calls with this name."""
        return [call for call in self.received.get(slug, []) if call["name"] == name]


class Sandbox:
    """One running sandbox process."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "integrations.sandbox", "--port", "0", *arguments]
        self.process = subprocess.Popen(  # nosec B603 # noqa: S603 - our own command, no shell
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
        )
        line = self.process.stdout.readline()
        assert line.startswith("sandbox ready http://"), line
        self.url = line.split()[-1]
        self.session = requests.Session()
        self.session.trust_env = False

    def stop(self) -> int:
        """Send SIGTERM; returns the exit code."""
        self.session.close()
        self.process.terminate()
        try:
            return self.process.wait(5)
        finally:
            self.process.stdout.close()

    def get(self, path: str, **query):
        """GET from the control API."""
        return self.session.get(f"{self.url}/control/{path}", params=query, timeout=10).json()

    def post(self, path: str, **body):
        """POST to the control API; fails unless the answer is 200."""
        answer = self.session.post(f"{self.url}/control/{path}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Organization:
    """One organization in the sandbox, with calls to both partners."""

    def __init__(self, sandbox: Sandbox, portal: Portal, **config) -> None:
        self.sandbox, self.portal = sandbox, portal
        self.slug = f"org-{uuid.uuid4().hex[:10]}"
        self.ashby_key, self.verification_key = f"ashby-{uuid.uuid4().hex}", f"verify-{uuid.uuid4().hex}"
        self.config = {
            "name": "Test",
            "slug": self.slug,
            "verification_key": self.verification_key,
            "portal_url": f"{portal.root}/{self.slug}/ashby/",
            "ashby_keys": [{"key": self.ashby_key, "title": "Justifacts"}],
            **config,
        }
        self.info = sandbox.post("orgs", **self.config)["orgs"][0]
        sandbox.post("settings", org=self.slug, push=False)

    def ashby(self, name: str, body=None, *, key: str | None = None, headers=None, **more):
        """Call Ashby's API as the portal does."""
        sent = {"Accept": "application/json; version=1", "User-Agent": "portal-test/1", **(headers or {})}
        return self.sandbox.session.post(
            f"{self.sandbox.url}/ashby-api/{name}",
            **({"json": {} if body is None else body} if "data" not in more else {}),
            headers=sent,
            auth=(key or self.ashby_key, ""),
            timeout=10,
            **more,
        )

    def justifacts(self, name: str, body=None, *, key: str | None = None, headers=None, query=False, **more):
        """Call Justifacts' API as the portal does."""
        base = "application?ashby/" if query else "application_ashby/"
        return self.sandbox.session.post(
            f"{self.sandbox.url}/jfacts/servlet/{base}{name}",
            json={} if body is None else body,
            headers=headers,
            auth=(key or self.verification_key, ""),
            timeout=10,
            **more,
        )

    def start(self, **more):
        """Start a check in the stand-in Ashby."""
        return self.sandbox.post("ashby/start", org=self.slug, assessment_type="Basic", **more)

    def place(self, reference: str | None = None, package: str = "JF-PKG-1001", **changes):
        """Place an order with the stand-in Justifacts."""
        reference = reference or str(uuid.uuid4())
        body = {
            "assessment_type_id": package,
            "reference_id": reference,
            "candidate": {"first_name": "Zoë", "last_name": "O'Neil", "email": "zoe@example.com"},
            "application": {"ashby_id": str(uuid.uuid4()), "status": "Active"},
            "job": {"ashby_id": str(uuid.uuid4()), "name": "Cook"},
            **changes,
        }
        key = {"Idempotency-Key": reference}
        return self.justifacts("assessment.start", body, headers=key)

    def fail(self, side: str, mode: str, **more):
        """Switch a failure on for this organization."""
        return self.sandbox.post("failures", side=side, mode=mode, org=self.slug, **more)

    def ledger(self) -> dict:
        """This organization's counts."""
        return self.sandbox.get("ledger", org=self.slug)

    def assessment(self, identifier: str) -> dict:
        """One assessment at Ashby."""
        return self.sandbox.get(f"ashby/assessments/{identifier}")


def data(identifier: str, value, kind: str = "string", **more) -> dict:
    """One DATA object of an update."""
    return {"identifier": identifier, "label": identifier.title(), "type": kind, "value": value, **more}


@pytest.fixture(scope="session")
def portal():
    """The portal of all tests."""
    running = Portal()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """The sandbox process of all tests, with storage."""
    running = Sandbox("--storage", str(tmp_path_factory.mktemp("sandbox") / "box.sqlite3"))
    yield running
    running.stop()


@pytest.fixture
def org(sandbox, portal):
    """A new organization."""
    return Organization(sandbox, portal)


@pytest.fixture
def new_org(sandbox, portal):
    """Creates organizations with a given configuration."""
    return lambda **config: Organization(sandbox, portal, **config)


@pytest.fixture
def new_sandbox():
    """Starts further sandbox processes, and ends them after the test."""
    running = []

    def start(*arguments, **more):
        running.append(Sandbox(*arguments, **more))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def use_dialect(org, sandbox):
    """Switches a dialect on for this organization."""

    def use_dialect(side: str, *traits: str, seed: int = 1, **probabilities: float):
        chosen = {**dict.fromkeys(traits, 1.0), **probabilities}
        return sandbox.post("dialect", side=side, org=org.slug, traits=chosen, seed=seed)

    return use_dialect


@pytest.fixture
def order(org):
    """Places an order; number and reference."""
    reference = str(uuid.uuid4())
    number = org.place(reference).json()["results"]["assessment_id"]
    return number, reference


@pytest.fixture
def datum():
    """Makes one DATA object of an update."""
    return data


@pytest.fixture
def eventually():
    """Waits up to five seconds until a function returns something true, and returns it."""

    return partial(processes.eventually, what="the condition is true", seconds=5.0)
