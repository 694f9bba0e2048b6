"""Plays recruiters and Justifacts' staff, and keeps the first ledger: every start that was accepted."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain, repeat
from typing import Any

import requests

from .plan import ORGANIZATIONS, Check, Plan, Step
from .world import World, eventually

_SCOPES = ["candidates:write", "candidates:read", "jobs:read", "apiKeys:read"]
#: How long a nervous client goes on before it gives up on a start without a definite answer.
_NERVOUS_SECONDS = 240
#: Its pauses grow: two dozen that ask twice a second keep a machine that is behind from ever catching up
#: (each gives up after 5 s, so that all work is done for somebody who has left).
_PAUSES = (0.5, 0.5, 1, 1, 2, 2, 4)


def _pauses() -> Iterator[float]:
    """Seconds between the tries of a nervous client."""
    return chain(_PAUSES, repeat(_PAUSES[-1]))


@dataclass
class Tenant:
    """One employer on both sides."""

    slug: str
    verification_key: str
    ashby_keys: list[str]
    package: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Ledger:
    """What the driver knows to be true."""

    accepted: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


class Driver:
    def __init__(self, world: World, plan: Plan) -> None:
        self.world, self.plan = world, plan
        self.ledger = Ledger()
        self.tenants = [self._connect(number) for number in range(ORGANIZATIONS)]
        self._pool = ThreadPoolExecutor(24, thread_name_prefix="driver")
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count, self._busy = 0, 0
        self._lock = threading.Lock()

    # --- The world before the first check -----------------------------------------------------

    def _connect(self, number: int) -> Tenant:
        slug = f"chaos-{number}"
        tenant = Tenant(slug, f"verify-{uuid.uuid4().hex}", [f"ashby-{uuid.uuid4().hex}"])
        self._tell_sandbox(tenant)
        self.world.control("POST", "settings", org=slug, push=False, push_on_start=number % 2 == 0)
        self._speak(number, with_faults=False)
        self.use_key(tenant)
        self.world.manage("sync_packages", slug)
        listed = self.world.control("POST", "ashby/list", org=slug).json()
        tenant.package = listed["body"]["results"][0]["assessment_type_id"]
        return tenant

    def _tell_sandbox(self, tenant: Tenant) -> None:
        keys = [
            {"key": key, "title": f"Key {n}", "scopes": _SCOPES, "active": key == tenant.ashby_keys[-1]}
            for n, key in enumerate(tenant.ashby_keys)
        ]
        answer = self.world.control(
            "POST",
            "orgs",
            name=tenant.slug,
            slug=tenant.slug,
            ashby_keys=keys,
            verification_key=tenant.verification_key,
            portal_url=f"{self.world.url}/ashby/",
        )
        assert answer.status_code == 200, answer.text

    def _speak(self, number: int, *, with_faults: bool) -> None:
        """Both sides speak to this employer as planned."""
        for spoken in self.plan.dialects:
            if spoken.organization == number:
                traits = spoken.traits if with_faults else spoken.forms
                said = {"side": spoken.side, "org": f"chaos-{number}", "traits": traits, "seed": spoken.seed}
                answer = self.world.control("POST", "dialect", **said)
                assert answer.status_code == 200, answer.text

    def _paste_key(self, tenant: Tenant) -> None:
        self._paste(tenant, tenant.verification_key, tenant.ashby_keys[-1])

    def _paste(self, tenant: Tenant, verification_key: str, ashby_key: str) -> None:
        def pasted() -> bool:
            return self._manages(
                *("connect_org", tenant.slug, "--slug", tenant.slug),
                JUSTIFACTS_KEY=verification_key,
                ASHBY_KEY=ashby_key,
            )

        eventually(pasted, f"{tenant.slug} is connected", 120)

    def use_key(self, tenant: Tenant) -> None:
        """The newest key is stored, and both sides answer."""
        self._paste_key(tenant)
        checked = lambda: self._manages("check_connection", tenant.slug)  # noqa: E731
        eventually(checked, f"both sides of {tenant.slug} answer", 120)

    def _manages(self, *arguments: str, **environment: str) -> bool:
        try:
            self.world.manage(*arguments, **environment)
        except AssertionError as error:
            self.last_error = str(error)
            return False
        return True

    def rotate_key(self, number: int, gap_seconds: float) -> None:
        """Ashby has a new key, the old one is dead, and an admin pastes the new one a little later."""
        tenant = self.tenants[number]
        with tenant.lock:
            tenant.ashby_keys.append(f"ashby-{uuid.uuid4().hex}")
            self._tell_sandbox(tenant)
            time.sleep(gap_seconds)
            self._paste_key(tenant)

    def rotate_keys_early(self, number: int, gap_seconds: float) -> None:
        """An admin pastes the next keys of both sides, and a little later those know no others."""
        tenant = self.tenants[number]
        with tenant.lock:
            next_keys = f"verify-{uuid.uuid4().hex}", f"ashby-{uuid.uuid4().hex}"
            self._paste(tenant, *next_keys)
            time.sleep(gap_seconds)
            tenant.verification_key = next_keys[0]
            tenant.ashby_keys.append(next_keys[1])
            self._tell_sandbox(tenant)

    # --- The run ------------------------------------------------------------------------------

    def run(self) -> None:
        """Everything that people do, at its time; returns when all of it is done."""
        for number in range(ORGANIZATIONS):
            self._speak(number, with_faults=True)
        began = time.monotonic()
        for check in self.plan.checks:
            self._at(began + check.at, lambda check=check: self._start(check))
        while self._agenda or self._busy:
            self._next()

    def _at(self, when: float, act: Callable[[], None]) -> None:
        with self._lock:
            self._count += 1
            heappush(self._agenda, (when, self._count, act))

    def _next(self) -> None:
        with self._lock:
            due = bool(self._agenda) and self._agenda[0][0] <= time.monotonic()
            act = heappop(self._agenda)[2] if due else None
            self._busy += act is not None
        if act is None:
            time.sleep(0.02)
            return
        self._pool.submit(self._do, act)

    def _do(self, act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            with self._lock:
                self._busy -= 1

    def _start(self, check: Check) -> None:
        """A nervous client: the same start again until there is a definite answer."""
        tenant = self.tenants[check.organization]
        wanted = {"org": tenant.slug, "assessment_type_id": tenant.package}
        until = time.monotonic() + _NERVOUS_SECONDS
        application, answer, pauses = "", {}, _pauses()
        while time.monotonic() < until:
            answer = self._ask(
                "ashby/start", wanted | ({"application_id": application} if application else {})
            )
            application = answer.get("application_id") or application
            answers = [answer]
            if check.clicks == 2 and application:
                answers.append(self._ask("ashby/start", wanted | {"application_id": application}))
            # Once either was answered nobody asks again: after a cancel that would be another check.
            if any([self._note_start(check, each, application) for each in answers]):
                return
            time.sleep(next(pauses))
        self.ledger.given_up.append(f"start {application}: {str(answer)[:300]}")

    def _note_start(self, check: Check, answer: dict[str, Any], application: str) -> bool:
        status = answer.get("status")
        if status == 200 and answer.get("assessment_id"):
            with self._lock:
                is_new = answer["assessment_id"] not in self.ledger.accepted
                self.ledger.accepted[answer["assessment_id"]] = application
            if is_new:
                self._follow(check, answer["assessment_id"])
            return True
        if status in (400, 401, 403, 404, 409, 422):
            self.ledger.refused.append((application, status, str(answer.get("body"))[:300]))
            return True
        return False

    def _follow(self, check: Check, reference: str) -> None:
        now = time.monotonic()
        if check.cancel_after is not None:
            self._at(now + check.cancel_after, lambda: self._cancel(check, reference))
        if check.stale_push_after is not None:
            stale = {"status": "Justifacts Received", "timestamp": 1, "push": True, "move": False}
            self._at(
                now + check.stale_push_after, lambda: self._ask(f"justifacts/orders/{reference}/step", stale)
            )
        if check.steps:
            self._at(now + check.steps[0].after, lambda: self._step(reference, check.steps))

    def _cancel(self, check: Check, reference: str) -> None:
        tenant = self.tenants[check.organization]
        until, answers = time.monotonic() + _NERVOUS_SECONDS, Counter[str]()
        pauses = _pauses()
        while time.monotonic() < until:
            answer = self._ask("ashby/cancel", {"org": tenant.slug, "assessment_id": reference})
            if answer.get("status") == 200:
                self.ledger.cancelled.add(reference)
                return
            answers[str(answer)[:200]] += 1
            time.sleep(next(pauses))
        self.ledger.given_up.append(f"cancel {reference} of {tenant.slug}: {answers.most_common(3)}")

    def _step(self, reference: str, steps: tuple[Step, ...], tries: int = 0) -> None:
        step = steps[0]
        body: dict[str, Any] = {"status": step.status, "push": step.pushes > 0, "repeat": max(step.pushes, 1)}
        if step.status == "Complete":
            body["result"] = step.result
        answer = self._ask(f"justifacts/orders/{reference}/step", body)
        if "order" not in answer:
            # Justifacts does not have it yet; after a while the settling takes it from there. Asked more and
            # more rarely: thousands that ask each second would take the machine from those who are to place.
            if tries < 12:
                pause = min(1 + tries, 8)
                self._at(time.monotonic() + pause, lambda: self._step(reference, steps, tries + 1))
            return
        if steps[1:]:
            self._at(time.monotonic() + steps[1].after, lambda: self._step(reference, steps[1:]))

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.world.control("POST", path, **body).json()
        except requests.RequestException:
            return {}
        return answer
