"""The state of the sandbox: in memory, with a write-through copy of everything but keys and switches."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox import seed
from integrations.sandbox.calls import CallLog
from integrations.sandbox.dialects.kinds import Dialects
from integrations.sandbox.dialects.messages import digits_of
from integrations.sandbox.failures import Failures
from integrations.sandbox.models import (
    Application,
    AshbyKey,
    Assessment,
    Ledger,
    Order,
    Org,
    Package,
    Settings,
)
from integrations.sandbox.org_config import BadConfig, OrgConfig
from integrations.sandbox.storage import Storage


class UnknownOrg(LookupError):
    """No organization of that slug."""


class World:
    """Everything both stand-ins know."""

    def __init__(self, storage: Storage, defaults: Settings | None = None) -> None:
        self.storage = storage
        self.defaults = defaults or Settings()
        self.base_url = "http://127.0.0.1:9001"
        self.started_at = time.time()
        self.failures = Failures()
        self.dialects = Dialects()
        self.calls = CallLog(storage)
        self.orgs: dict[str, Org] = {}
        self.ashby_keys: dict[str, tuple[Org, AshbyKey]] = {}
        self.verification_keys: dict[str, Org] = {}
        self.assessments = {row["id"]: Assessment(**row) for row in storage.load("assessment")}
        self.orders = {row["id"]: Order(**row) for row in storage.load("order")}
        self.ledgers = {row["org"]: Ledger(**row) for row in storage.load("ledger")}
        self.references: dict[tuple[str, str], list[str]] = {}
        self._numbers: dict[str, str] = {}
        self.moving: dict[str, Order] = {}
        self.surprising: dict[str, Order] = {}
        self.background: set[asyncio.Task[Any]] = set()
        for order in self.orders.values():
            self._index(order)
        self._next_order = max((int(number[-6:]) for number in self.orders), default=100) + 1

    # Organizations

    def org(self, slug: Any) -> Org:
        """The organization of that slug."""
        if not isinstance(slug, str) or slug not in self.orgs:
            raise UnknownOrg(f"no organization {slug!r}")
        return self.orgs[slug]

    def upsert_org(self, config: OrgConfig) -> Org:
        """Create or update an organization; what the config leaves out stays as it is."""
        holder = self.verification_keys.get(config.verification_key or "")
        if holder is not None and holder.slug != config.slug:
            raise BadConfig("verification_key: it belongs to another organization")
        org = self.orgs.get(config.slug) or self._new_org(config)
        org.name = config.name or org.name
        if config.ashby_keys is not None:
            org.ashby_keys = list(config.ashby_keys)
        if config.verification_key is not None:
            org.verification_key = config.verification_key
        org.mailed_key = config.mailed_key or org.mailed_key
        org.portal_url = config.portal_url or org.portal_url
        org.push_url = config.push_url or org.push_url
        if config.jobs is not None or config.candidates is not None:
            org.seeded = (config.jobs, config.candidates)
            self._seed(org)
        for package in config.packages or []:
            self.save_package(org, package)
        self.index_keys()
        return org

    def index_keys(self) -> None:
        """Rebuild the look-up of keys after one has changed."""
        orgs = self.orgs.values()
        self.ashby_keys = {key.key: (org, key) for org in orgs for key in org.ashby_keys}
        self.verification_keys = {
            key: org for org in orgs for key in (org.mailed_key, org.verification_key) if key
        }

    def secrets(self, org: Org | None) -> list[str]:
        """The keys to keep out of a record: an org's, or everybody's when nobody knows whose call it is."""
        return org.secrets if org else [*self.ashby_keys, *self.verification_keys]

    def ledger(self, slug: str) -> Ledger:
        """The org's counts of what went wrong."""
        return self.ledgers.setdefault(slug, Ledger(slug))

    def reset(self) -> None:
        """Forget data and keep organizations, keys and switches."""
        self.storage.clear()
        self.calls.clear()
        for held in (self.assessments, self.orders, self.ledgers, self.references, self.moving):
            held.clear()
        self.surprising.clear()
        self._numbers.clear()
        self._next_order = 101
        for org in self.orgs.values():
            self._seed(org)

    # Writing through

    def save_application(self, application: Application) -> None:
        """Keep a candidate that somebody added."""
        self.orgs[application.org].applications[application.id] = application
        self._put("application", application.id, application.org, vars(application))

    def save_package(self, org: Org, package: Package) -> None:
        """Keep a package that was added or withdrawn."""
        org.packages[package.id] = package
        self._put("package", f"{org.slug}/{package.id}", org.slug, {"org": org.slug, **vars(package)})

    def save_assessment(self, assessment: Assessment) -> None:
        """Keep an assessment."""
        if assessment.id not in self.assessments:
            self.assessments[assessment.id] = assessment
            self.orgs[assessment.org].assessment_ids.append(assessment.id)
        self._put("assessment", assessment.id, assessment.org, vars(assessment))

    def save_order(self, order: Order) -> None:
        """Keep an order."""
        if order.id not in self.orders:
            self.orders[order.id] = order
            self.orgs[order.org].order_ids.append(order.id)
            self._index(order)
        self._index_numbers(order)
        if order.ended:
            self.moving.pop(order.id, None)
        self._note_surprises(order)
        self._put("order", order.id, order.org, vars(order))

    def save_ledger(self, ledger: Ledger) -> None:
        """Keep an org's counts."""
        self._put("ledger", ledger.org, ledger.org, vars(ledger))

    # Reading

    def new_order_id(self) -> str:
        """The next order number, as Justifacts might write it: opaque, no UUID."""
        number, self._next_order = self._next_order, self._next_order + 1
        return f"JF-{datetime.now(UTC).year}-{number:06d}"

    def order_numbered(self, number: str) -> Order | None:
        """The order of a number: its first, its later one, or either without its letters."""
        return self.orders.get(number) or self.orders.get(self._numbers.get(number, ""))

    def orders_for(self, slug: str, reference_id: str) -> list[Order]:
        """The orders placed under one reference: one, or somebody placed twice."""
        return [self.orders[number] for number in self.references.get((slug, reference_id), [])]

    def assessments_of(self, org: Org, application_id: str | None = None) -> list[Assessment]:
        """An org's assessments, oldest first."""
        found = (self.assessments[number] for number in org.assessment_ids)
        return [one for one in found if application_id in (None, one.application_id)]

    def orders_of(self, org: Org) -> list[Order]:
        """An org's orders, oldest first."""
        return [self.orders[number] for number in org.order_ids]

    def _put(self, kind: str, identifier: str, slug: str, body: dict[str, Any]) -> None:
        self.storage.put(kind, identifier, body, self.orgs[slug].secrets)

    def _index(self, order: Order) -> None:
        self.references.setdefault((order.org, order.reference_id), []).append(order.id)
        self._index_numbers(order)
        self._note_surprises(order)
        if not order.ended:
            self.moving[order.id] = order

    def _note_surprises(self, order: Order) -> None:
        if order.surprises:
            self.surprising[order.id] = order
        else:
            self.surprising.pop(order.id, None)

    def _index_numbers(self, order: Order) -> None:
        for number in filter(None, (order.id, order.reissued_as)):
            self._numbers[number] = order.id
            self._numbers[digits_of(number)] = order.id

    def _new_org(self, config: OrgConfig) -> Org:
        settings = replace(self.defaults, push_retry_seconds=list(self.defaults.push_retry_seconds))
        org = Org(config.slug, config.name or config.slug, settings=settings)
        self.orgs[org.slug] = org
        self._seed(org)
        return org

    def _seed(self, org: Org) -> None:
        jobs, candidates = org.seeded
        org.types, org.notes = {}, {}
        org.jobs = {job.id: job for job in seed.jobs(org.slug, jobs)}
        people = seed.applications(org.slug, list(org.jobs.values()), candidates)
        org.applications = {one.id: one for one in people}
        org.packages = {package.id: package for package in seed.packages()}
        for row in self.storage.load("application"):
            if row["org"] == org.slug:
                org.applications[row["id"]] = Application(**row)
        for row in self.storage.load("package"):
            if row.pop("org") == org.slug:
                org.packages[row["id"]] = Package(**row)
        org.assessment_ids = [one.id for one in self.assessments.values() if one.org == org.slug]
        org.order_ids = [one.id for one in self.orders.values() if one.org == org.slug]
