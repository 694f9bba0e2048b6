"""The scenario of test_canary.py, with marked secrets: one portal, one employer, one admin, and everything
that was printed or shown to them."""

import base64
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from cryptography.fernet import Fernet

from tests.e2e.portal.browser import Browser
from tests.e2e.portal.canaries import Canaries
from tests.e2e.portal.processes import Employer, Portal, eventually

SESSION = "session"


class Chat(BaseHTTPRequestHandler):
    """An organization's webhook. It refuses the first message, and quotes its own URL."""

    messages: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.messages.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(500 if len(self.messages) == 1 else 200)
        self.end_headers()
        self.wfile.write(f"no such hook: {self.path}".encode())

    def log_message(self, *_: Any) -> None:
        """Logs nothing."""


class CanaryScenario:
    """One employer and one admin; records everything printed or shown to them."""

    def __init__(self, portal: Portal, canaries: Canaries) -> None:
        self.portal, self.canaries = portal, canaries
        self.browser = Browser(portal.url)
        self.employer = Employer(portal)
        self.person = f"ada-{self.employer.slug}"
        self.shown: dict[str, str | bytes] = {}
        self._known()

    def _known(self) -> None:
        for name in ("verification_key", "ashby_key"):
            self.canaries.add(name.replace("_", " "), getattr(self.employer, name))
        for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "METRICS_TOKEN"):
            for secret in self.portal.environment[name].split(","):
                self.canaries.add(name, secret)

    def search(self, where: str, text: str | bytes) -> list[str]:
        """The session keys are excluded where they belong: in the session table."""
        found = self.canaries.search(text)
        return [name for name in found if not (where == "sessions" and name.startswith(SESSION))]

    def run_command(self, *arguments: str, **environment: str) -> str:
        """Runs a command and keeps its output."""
        output = self.portal.manage(*arguments, **environment)
        self.shown[f"output of {' '.join(arguments[:2])}"] = output
        return output

    def try_command(self, *command: str) -> None:
        """Runs a command that may fail, and keeps its output."""
        output = self.portal.run_inside("run_fallible_command", " ".join(command))
        self.shown[f"output of {' '.join(command)} ({len(self.shown)})"] = output

    # --- The scenario -----------------------------------------------------------------------------

    def signs_in(self) -> None:
        password = self.canaries.add("password", f"correct+horse/{uuid.uuid4().hex}")
        self.portal.manage(
            *("createsuperuser", "--noinput", "--username", self.person),
            *("--email", f"{self.person}@example.com"),
            DJANGO_SUPERUSER_PASSWORD=password,
        )
        self.portal.run_inside("make_member", f"{self.person} {self.employer.slug}")
        self.browser.submit("/admin/login/", username=password, password=password)
        # A form shows people again what they typed as their name.
        self.browser.pages.pop()
        self.browser.submit("/admin/login/", username=self.person, password=password[:-1])
        self.browser.submit("/admin/login/", username=self.person, password=password, next="/admin/")
        self.canaries.add(SESSION, self.browser.session_key)

    def stores_the_chats_address(self, chat: str) -> None:
        address = f"http://{chat}/{self.canaries.add('webhook', f'hook-{uuid.uuid4().hex}')}"
        page = self._page_of("integrations/connection")
        self.browser.submit(page, chat_webhook=f"{address} {address}")
        saved = self.browser.submit(page, chat_webhook=address)
        assert "was changed successfully" in saved.text

    def both_partners_quote_the_keys(self) -> str:
        employer = self.employer
        justifacts_quote, ashby_quote = (
            _quoted(key) for key in (employer.verification_key, employer.ashby_key)
        )
        for mode in ("refuse", "success_false", "500"):
            employer.fails(
                "justifacts",
                mode,
                call="assessment.start",
                count=1,
                message=justifacts_quote,
                code=justifacts_quote[:90],
            )
            refused = employer.start()
            eventually(lambda c=refused: employer.order(c)["attempts"], f"Justifacts was called: {mode}")
        check = employer.start()
        eventually(lambda: employer.justifacts_orders(check), "Justifacts has the order", 60)
        for mode in ("success_false", "wrong_key"):
            employer.fails(
                "ashby", mode, call="assessment.update", count=1, message=ashby_quote, code=ashby_quote[:90]
            )
        employer.step(check, status="Applicant Started")
        eventually(
            lambda: self.portal.run_inside("deliveries_are_paused", employer.slug) == b"True",
            "deliveries pause",
            90,
        )
        for command in ("check_connection", "sync_jobs"):
            employer.fails("ashby", "wrong_key", count=2, message=ashby_quote)
            self.try_command(command, employer.slug)
            employer.works_again("ashby")
        return check

    def staff_are_notified(self) -> None:
        for hours in (2, 5):
            self.portal.run_inside("run_notifications", str(hours))
        mails = [mail.read_text() for mail in (self.portal.folder / "mails").iterdir()]
        assert any(f"To: {self.person}@example.com" in mail for mail in mails), "a mail was sent"
        assert len(Chat.messages) >= 2, "the chat was notified"

    def keys_are_replaced_on_the_pages(self) -> None:
        number = self.portal.run_inside("primary_key", self.employer.slug).decode()
        page = f"/admin/integrations/organization/{number}/setup/"
        before = self.employer.ashby_key
        for name, step, field in (
            ("verification_key", "verification-key", "verification_key"),
            ("ashby_key", "ashby-key", "key"),
        ):
            setattr(self.employer, name, f'{name[:6]}+/&"<{uuid.uuid4().hex}')
            self._known()
            self.browser.submit(page, to=f"{page}{step}/save/", **{field: f"two words {before}"})
            saved = self.browser.submit(
                page, to=f"{page}{step}/save/", **{field: getattr(self.employer, name)}
            )
            assert "has been saved" in saved.text
        self.employer.control(
            "orgs",
            name=self.employer.slug,
            slug=self.employer.slug,
            ashby_keys=[{"key": self.employer.ashby_key, "title": "Next"}],
            verification_key=self.employer.verification_key,
            portal_url=f"{self.portal.url}/ashby/",
        )
        for kind in ("test", "packages", "jobs"):
            self.browser.submit(page, to=f"{page}{kind}/ask/")
        self.page_of_set_up = page

    def both_partners_receive_everything(self, check: str) -> None:
        self.employer.step(check, status="Complete", result="Clear")
        eventually(lambda: self.employer.delivered(check)[-1:] == ["Complete"], "Ashby gets the end", 90)

    def break_components(self) -> None:
        """A table is missing for a moment: a page, a call of Ashby's and a worker fail on it."""
        self.portal.run_inside("hide_table", "integrations_customfield")
        assert self.browser.get("/admin/integrations/customfield/").status_code == 500
        answer = self.employer.control(
            "ashby/call", org=self.employer.slug, name="assessment.customField.list"
        )
        self.shown["what Ashby was answered"] = str(answer["body"])
        assert answer["status"] == 503
        self.portal.run_inside("restore_table", "integrations_customfield")
        before = self._log("worker").count(b"Traceback")
        self.portal.run_inside("hide_table", "assessments_heartbeat")
        eventually(lambda: self._log("worker").count(b"Traceback") > before, "a worker fails", 60)
        self.portal.run_inside("restore_table", "assessments_heartbeat")
        assert b"Traceback" in self._log("web")

    def encryption_keys_are_rotated_while_tasks_wait_in_the_broker(self) -> None:
        self.portal.end("worker")
        self.employer.start()
        self.browser.submit(self.page_of_set_up, to=f"{self.page_of_set_up}test/ask/")
        waiting = self.portal.run_inside("read_broker")
        assert b"call_justifacts" in waiting
        self.shown["broker"] = waiting
        new = self.canaries.add("next encryption key", Fernet.generate_key().decode())
        self.portal.environment["FIELD_ENCRYPTION_KEYS"] = (
            f"{new},{self.portal.environment['FIELD_ENCRYPTION_KEYS']}"
        )
        # The scheduler reads and writes nothing that is encrypted.
        self.portal.end("console")
        self.portal.end("web")
        self.portal.start("web")
        self.portal.start("worker")
        eventually(self.portal.is_ready, "the portal answers again", 60)
        assert "may be removed" in self.run_command("rotate_encryption_keys")

    def open_every_page(self, check: str) -> None:
        slug = self.employer.slug
        for command in (
            ("order", check, "--json"),
            ("order", check),
            ("orders", "--org", slug, "--json"),
            ("dumpdata", "integrations", "assessments", "admin"),
        ):
            self.run_command(*command)
        for name in ("reconcile", "check_connection"):
            self.try_command(name, slug)
        token = {"Authorization": f"Bearer {self.portal.environment['METRICS_TOKEN']}"}
        self.shown["GET /metrics"] = self.browser.get("/metrics", headers=token).text
        for model in ("organization", "connection", "ashbyapikey", "previousverificationkey", "package"):
            page = self._page_of(f"integrations/{model}")
            for path in (page, page.replace("change/", "history/"), f"/admin/integrations/{model}/"):
                self._looks(path)
        for path in (
            *("/admin/", "/admin/integrations/auditlogentry/", "/admin/integrations/auditlogentry/export/"),
            *("/admin/assessments/order/", "/admin/assessments/order/export/", self.page_of_set_up),
            *("/admin/assessments/callattempt/", "/admin/assessments/inboundrequest/"),
            "/admin/notification-settings/",
            *(f"/admin/assessments/order/{check}/change/", "/api/schema/", "/health/status"),
        ):
            self._looks(path)
        sandbox = Browser(self.portal.sandbox)
        for path in (
            *("/", f"/ashby/{slug}/", f"/ashby/{slug}/settings", f"/justifacts/{slug}/", "/failures"),
            *("/control/orgs", "/control/failures", f"/control/ledger?org={slug}", "/control/settings"),
            *("/dialects", "/control/dialect"),
        ):
            self.shown[f"sandbox {path}"] = sandbox.get(path).text
        self.shown["database"] = self.portal.run_inside("read_database")
        self.shown["sessions"] = self.portal.run_inside("read_database", "django_session")

    # --- What was written -------------------------------------------------------------------------

    def places(self) -> Iterator[tuple[str, str | bytes]]:
        """Every text, by where it was found."""
        yield from self.shown.items()
        yield "chat", "\n".join(Chat.messages)
        yield "pages", "\n".join(self.browser.pages)
        for path in self.portal.folder.rglob("*"):
            if path.is_file():
                yield f"file {path.relative_to(self.portal.folder)}", path.read_bytes()

    def _looks(self, path: str) -> None:
        answer = self.browser.get(path)
        assert answer.status_code == 200, path
        self.shown[f"GET {path}"] = answer.text

    def _page_of(self, model: str) -> str:
        number = self.portal.run_inside(
            "primary_key", f"{model.replace('/', '.')} {self.employer.slug}"
        ).decode()
        return f"/admin/{model}/{number}/change/"

    def _log(self, name: str) -> bytes:
        return (self.portal.folder / f"{name}.log").read_bytes()


def _quoted(key: str) -> str:
    """An error message of a partner that quotes the key and the header."""
    return f"Who is {key}? Authorization: Basic {base64.b64encode(f'{key}:'.encode()).decode()}"
