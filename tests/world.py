"""The world of the stories: two organizations, Ashby and Justifacts as ``responses`` plays them."""

import base64
import json
import re
import uuid
from typing import Any

import responses
from django.test import Client
from django.utils import timezone

from assessments.models import Event, Order, Update
from assessments.services import deliver, place, poll
from assessments.services.due import due
from integrations.connections import connect
from integrations.models import Connection, Package

ASHBY = "https://ashby.test"
JUSTIFACTS = "https://justifacts.test/servlet/application_ashby/"


class Tenant:
    """One organization as the stories speak of it."""

    def __init__(self, name: str) -> None:
        slug = name.lower()
        self.verification_key = f"verify-{slug}-0123456789"
        self.ashby_key = f"ashby-{slug}-0123456789"
        self.connection: Connection = connect(
            name,
            slug=slug,
            verification_key=self.verification_key,
            ashby_key=self.ashby_key,
            staging_base_url=JUSTIFACTS,
        )
        self.organization = self.connection.organization
        self.basic, self.executive = (
            Package.objects.create(
                organization=self.organization,
                justifacts_id=f"JF-{slug}-{number}",
                name=package_name,
                description=f"The {package_name} check",
            )
            for number, package_name in enumerate(["Basic", "Executive"], start=1)
        )


class World:
    """Plays Ashby against the portal's HTTP, and both sides against its clients."""

    def __init__(self, client: Client, wire: responses.RequestsMock) -> None:
        self.client, self.wire = client, wire
        self.acme, self.globex = Tenant("Acme"), Tenant("Globex")

    # --- Ashby and Justifacts call the portal -------------------------------------------------

    def call(self, path: str, body: Any, *, key: str | None = None, **extra: Any) -> Any:
        """POSTs to the portal as Acme (or with another key); the body may be raw bytes."""
        key = self.acme.verification_key if key is None else key
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        options = {"content_type": "application/json", **extra}
        if key:
            options.setdefault("HTTP_AUTHORIZATION", basic(key))
        return self.client.post(path, content, **options)

    def start_body(self, **changes: Any) -> dict[str, Any]:
        """A start as Ashby sends it; ``changes`` replace parts of it."""
        return {
            "assessment_type_id": str(self.acme.basic.assessment_type_id),
            "candidate": {
                "ashby_id": str(uuid.uuid4()),
                "first_name": "Zoë",
                "last_name": "O'Neil",
                "email": "zoe.oneil@example.com",
                "ashby_profile_url": "https://app.ashbyhq.com/candidates/1",
            },
            "application": {"ashby_id": str(uuid.uuid4()), "status": "Active"},
            "job": {
                "ashby_id": "job-1",
                "name": "Backend Engineer",
                "ashby_job_url": "https://app.ashbyhq.com/jobs/1",
            },
            **changes,
        }

    def start(self, **changes: Any) -> Order:
        """Ashby starts a check of Acme's, successfully."""
        answer = self.call("/ashby/assessment.start", self.start_body(**changes))
        assert answer.status_code == 200, answer.content
        return Order.objects.get(pk=answer.json()["results"]["assessment_id"])

    def placed(self, number: str = "JF-2026-1", **changes: Any) -> Order:
        """An order that Justifacts has taken."""
        order = self.start(**changes)
        self.justifacts_takes(number)
        place.call_justifacts(order.pk)
        order.refresh_from_db()
        assert order.justifacts_order_id == number
        return order

    def push(self, order: Order, status: str | None = None, **changes: Any) -> Any:
        """Justifacts pushes a word."""
        body: dict[str, Any] = {
            "assessment_id": order.justifacts_order_id or "JF-2026-1",
            "reference_id": str(order.pk),
            "timestamp": int(timezone.now().timestamp() * 1000),
        }
        if status is not None:
            body["assessment_status"] = data("status", status)
        return self.call("/justifacts/assessment.update", {**body, **changes})

    # --- Both sides answer the portal ---------------------------------------------------------

    def justifacts_takes(self, number: str = "JF-2026-1") -> None:
        self.justifacts("assessment.start", {"success": True, "results": {"assessment_id": number}})

    def justifacts(self, name: str, body: Any, status: int = 200, **options: Any) -> None:
        """From now on Justifacts answers so."""
        self._answers(f"{JUSTIFACTS}{name}", body, status, **options)

    def ashby(self, name: str, body: Any, status: int = 200, **options: Any) -> None:
        """From now on Ashby answers so."""
        self._answers(f"{ASHBY}/{name}", body, status, **options)

    def ashby_takes_everything(self) -> None:
        self.ashby(
            "assessment.update",
            {"success": True, "results": {}},
            headers={"x-ashby-request-id": "ashby-req-1"},
        )

    def portal_is_public(self) -> None:
        """Calls to the portal's public address come in at the portal."""

        def comes_in(request: Any) -> tuple[int, dict[str, str], bytes]:
            headers = {
                f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()
            }
            headers = {name: value for name, value in headers.items() if name != "HTTP_CONTENT_TYPE"}
            path = str(request.url).removeprefix("https://portal.test")
            answer = self.client.post(path, request.body, content_type="application/json", **headers)
            return answer.status_code, {}, answer.content

        self.wire.add_callback(
            responses.POST, re.compile(r"https://portal\.test/ashby//?assessment"), comes_in
        )

    def _answers(self, url: str, body: Any, status: int, **options: Any) -> None:
        self.wire.remove(responses.POST, url)
        if isinstance(body, Exception | str | bytes):
            self.wire.add(responses.POST, url, body=body, status=status, **options)
        else:
            self.wire.add(responses.POST, url, json=body, status=status, **options)

    # --- What happened ------------------------------------------------------------------------

    def work(self) -> None:
        """What the workers would do now: everything that is due, until nothing is."""
        for _ in range(50):
            found = due(timezone.now())
            if not (found.calls or found.polls or found.lanes):
                return
            for assessment_id in found.calls:
                place.call_justifacts(assessment_id)
            for batch in found.polls:
                poll.poll(batch)
            for assessment_id in found.lanes:
                while deliver.deliver_next(assessment_id):
                    pass
        raise AssertionError("work without end")

    def sent(self, name: str) -> list[dict[str, Any]]:
        """The bodies that the portal sent under this name, in order."""
        return [
            json.loads(call.request.body)
            for call in self.wire.calls
            if str(call.request.url).endswith(f"/{name}")
        ]

    def told(self, order: Order) -> list[str]:
        """What Ashby was told, in order: labels, or the reason of an end."""
        return [
            str((body.get("assessment_status") or body.get("cancelled_reason"))["value"])
            for body in self.sent("assessment.update")
            if body["assessment_id"] == str(order.pk)
        ]

    def written(self) -> tuple[int, int, int]:
        """How many orders, lines of history and updates there are: a bad call changes none of them, apart
        from the line that a push leaves on its order when it cannot be read."""
        lines = Event.objects.exclude(kind="not_understood")
        return Order.objects.count(), lines.count(), Update.objects.count()

    def error(self, answer: Any) -> str:
        """The code of an answer that has to be an error in Ashby's envelope."""
        body = answer.json()
        assert 400 <= answer.status_code < 500, answer.content
        assert answer.headers["Content-Type"] == "application/json"
        assert body["success"] is False
        assert body["errors"] == [body["errorInfo"]["code"]]
        assert set(body["errorInfo"]) == {"code", "message", "requestId"}
        assert all(body["errorInfo"].values())
        return str(body["errorInfo"]["code"])

    def waiting(self, order: Order) -> list[str]:
        """What Ashby still has to be told, in order."""
        updates = Update.objects.filter(order=order, state__in=Update.UNSAID).order_by("sequence")
        return [update.summary for update in updates]


def basic(key: str, password: str = "") -> str:  # nosec B107 # Ashby leaves it blank
    return "Basic " + base64.b64encode(f"{key}:{password}".encode()).decode()


def data(identifier: str, value: Any, type: str = "string") -> dict[str, Any]:
    return {"identifier": identifier, "label": identifier.title(), "type": type, "value": value}
