"""Plays recruiters and Justifacts' staff, and records which starts were accepted."""

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
from .processes import Processes, eventually

_SCOPES = ["candidates:write", "candidates:read", "jobs:read", "apiKeys:read"]
#: How long a client retries a call without a definite answer.
_RETRY_SECONDS = 240
#: Seconds between retries. They grow, since two dozen clients that call twice a second would overload a slow
#: machine for ever (a client waits 5 s for an answer, so that all work would be for clients that are gone).
_PAUSES = (0.5, 0.5, 1, 1, 2, 2, 4)


def _pauses() -> Iterator[float]:
    """Seconds between the retries of a call."""
    return chain(_PAUSES, repeat(_PAUSES[-1]))


@dataclass
class Tenant:
    """One organization, with its keys at both partners."""

    slug: str
    verification_key: str
    ashby_keys: list[str]
    package: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Ledger:
    """What happened to the starts and cancellations, as their callers saw it."""

    accepted: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)


class Driver:
    """Carries out the actions of a plan. ``ledger``: their outcomes."""

    def __init__(self, processes: Processes, plan: Plan) -> None:
        self.processes, self.plan = processes, plan
        self.ledger = Ledger()
        self.tenants = [self._connect(number) for number in range(ORGANIZATIONS)]
        self._pool = ThreadPoolExecutor(24, thread_name_prefix="driver")
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._count, self._busy = 0, 0
        self._lock = threading.Lock()

    # Set-up

    def _connect(self, number: int) -> Tenant:
        slug = f"chaos-{number}"
        tenant = Tenant(slug, f"verify-{uuid.uuid4().hex}", [f"ashby-{uuid.uuid4().hex}"])
        self._configure_sandbox(tenant)
        self.processes.control("POST", "settings", org=slug, push=False, push_on_start=number % 2 == 0)
        self._set_dialects(number, with_faults=False)
        self.use_key(tenant)
        self.processes.manage("sync_packages", slug)
        listed = self.processes.control("POST", "ashby/list", org=slug).json()
        tenant.package = listed["body"]["results"][0]["assessment_type_id"]
        return tenant

    def _configure_sandbox(self, tenant: Tenant) -> None:
        keys = [
            {"key": key, "title": f"Key {n}", "scopes": _SCOPES, "active": key == tenant.ashby_keys[-1]}
            for n, key in enumerate(tenant.ashby_keys)
        ]
        answer = self.processes.control(
            "POST",
            "orgs",
            name=tenant.slug,
            slug=tenant.slug,
            ashby_keys=keys,
            verification_key=tenant.verification_key,
            portal_url=f"{self.processes.url}/ashby/",
        )
        assert answer.status_code == 200, answer.text

    def _set_dialects(self, number: int, *, with_faults: bool) -> None:
        """Switch on the planned dialects for this organization."""
        for planned in self.plan.dialects:
            if planned.organization == number:
                traits = planned.traits if with_faults else planned.traits_without_faults
                body = {
                    "side": planned.side,
                    "org": f"chaos-{number}",
                    "traits": traits,
                    "seed": planned.seed,
                }
                answer = self.processes.control("POST", "dialect", **body)
                assert answer.status_code == 200, answer.text

    def _paste_key(self, tenant: Tenant) -> None:
        self._paste(tenant, tenant.verification_key, tenant.ashby_keys[-1])

    def _paste(self, tenant: Tenant, verification_key: str, ashby_key: str) -> None:
        def pasted() -> bool:
            return self._succeeds(
                *("connect_org", tenant.slug, "--slug", tenant.slug),
                JUSTIFACTS_KEY=verification_key,
                ASHBY_KEY=ashby_key,
            )

        eventually(pasted, f"{tenant.slug} is connected", 120)

    def use_key(self, tenant: Tenant) -> None:
        """Store the newest keys in the portal, and wait until both partners accept them."""
        self._paste_key(tenant)
        checked = lambda: self._succeeds("check_connection", tenant.slug)  # noqa: E731
        eventually(checked, f"both partners of {tenant.slug} accept the keys", 120)

    def _succeeds(self, *arguments: str, **environment: str) -> bool:
        try:
            self.processes.manage(*arguments, **environment)
        except AssertionError as error:
            self.last_error = str(error)
            return False
        return True

    def rotate_key(self, number: int, gap_seconds: float) -> None:
        """Ashby replaces its key; an admin pastes the new one ``gap_seconds`` later."""
        tenant = self.tenants[number]
        with tenant.lock:
            tenant.ashby_keys.append(f"ashby-{uuid.uuid4().hex}")
            self._configure_sandbox(tenant)
            time.sleep(gap_seconds)
            self._paste_key(tenant)

    def rotate_keys_early(self, number: int, gap_seconds: float) -> None:
        """An admin pastes new keys of both partners, which replace the old ones ``gap_seconds`` later."""
        tenant = self.tenants[number]
        with tenant.lock:
            next_keys = f"verify-{uuid.uuid4().hex}", f"ashby-{uuid.uuid4().hex}"
            self._paste(tenant, *next_keys)
            time.sleep(gap_seconds)
            tenant.verification_key = next_keys[0]
            tenant.ashby_keys.append(next_keys[1])
            self._configure_sandbox(tenant)

    # The run

    def run(self) -> None:
        """Carry out every action of the plan at its time."""
        for number in range(ORGANIZATIONS):
            self._set_dialects(number, with_faults=True)
        started_at = time.monotonic()
        for check in self.plan.checks:
            self._schedule(started_at + check.at, lambda check=check: self._start(check))
        while self._agenda or self._busy:
            self._run_next()

    def _schedule(self, when: float, act: Callable[[], None]) -> None:
        with self._lock:
            self._count += 1
            heappush(self._agenda, (when, self._count, act))

    def _run_next(self) -> None:
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
        """Repeat the same start until there is a definite answer."""
        tenant = self.tenants[check.organization]
        body = {"org": tenant.slug, "assessment_type_id": tenant.package}
        deadline = time.monotonic() + _RETRY_SECONDS
        application, answer, pauses = "", {}, _pauses()
        while time.monotonic() < deadline:
            answer = self._ask("ashby/start", body | ({"application_id": application} if application else {}))
            application = answer.get("application_id") or application
            answers = [answer]
            if check.clicks == 2 and application:
                answers.append(self._ask("ashby/start", body | {"application_id": application}))
            # After a definite answer, stop: a start after a cancellation would be another check.
            if any([self._record_start(check, each, application) for each in answers]):
                return
            time.sleep(next(pauses))
        self.ledger.given_up.append(f"start {application}: {str(answer)[:300]}")

    def _record_start(self, check: Check, answer: dict[str, Any], application: str) -> bool:
        status = answer.get("status")
        if status == 200 and answer.get("assessment_id"):
            with self._lock:
                is_new = answer["assessment_id"] not in self.ledger.accepted
                self.ledger.accepted[answer["assessment_id"]] = application
            if is_new:
                self._plan_follow_up(check, answer["assessment_id"])
            return True
        if status in (400, 401, 403, 404, 409, 422):
            self.ledger.refused.append((application, status, str(answer.get("body"))[:300]))
            return True
        return False

    def _plan_follow_up(self, check: Check, reference: str) -> None:
        now = time.monotonic()
        if check.cancel_after is not None:
            self._schedule(now + check.cancel_after, lambda: self._cancel(check, reference))
        if check.stale_push_after is not None:
            stale = {"status": "Justifacts Received", "timestamp": 1, "push": True, "move": False}
            self._schedule(
                now + check.stale_push_after, lambda: self._ask(f"justifacts/orders/{reference}/step", stale)
            )
        if check.steps:
            self._schedule(now + check.steps[0].after, lambda: self._step(reference, check.steps))

    def _cancel(self, check: Check, reference: str) -> None:
        tenant = self.tenants[check.organization]
        deadline, answers = time.monotonic() + _RETRY_SECONDS, Counter[str]()
        pauses = _pauses()
        while time.monotonic() < deadline:
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
            # Justifacts does not have the order yet. The pauses grow, so that thousands of these calls leave
            # the machine to the placements; orders that are still open are completed at the end of the run.
            if tries < self.plan.step_tries:
                pause = min(1 + tries, 8)
                self._schedule(time.monotonic() + pause, lambda: self._step(reference, steps, tries + 1))
            return
        if steps[1:]:
            self._schedule(time.monotonic() + steps[1].after, lambda: self._step(reference, steps[1:]))

    def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.processes.control("POST", path, **body).json()
        except requests.RequestException:
            return {}
        return answer
