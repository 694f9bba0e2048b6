"""The state of the sandbox: in memory, and written through to the storage, except for keys and switches."""

from __future__ import annotations

import asyncio
import time
from dataclasses import fields, replace
from typing import Any, TypeVar

from integrations.sandbox import seed
from integrations.sandbox.call_log import CallLog
from integrations.sandbox.dialects.dialect import Dialects
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
from integrations.sandbox.order_table import OrderTable
from integrations.sandbox.org_config import BadConfig, OrgConfig
from integrations.sandbox.storage import Storage

Row = TypeVar("Row", Assessment, Ledger, Order)


class UnknownOrg(LookupError):
    """There is no organization with this slug."""


class State:
    """Everything that both stand-ins know."""

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
        self.assessments = {one.id: one for one in self._load(Assessment, "assessment")}
        self.ledgers = {one.org: one for one in self._load(Ledger, "ledger")}
        self.orders = OrderTable()
        for order in self._load(Order, "order"):
            self.orders.put(order)
        self.background: set[asyncio.Task[Any]] = set()

    # Organizations

    def org(self, slug: Any) -> Org:
        """The organization with this slug. Raises ``UnknownOrg``."""
        if not isinstance(slug, str) or slug not in self.orgs:
            raise UnknownOrg(f"no organization {slug!r}")
        return self.orgs[slug]

    def upsert_org(self, config: OrgConfig) -> Org:
        """Create or update an organization. Fields that the configuration leaves out keep their value.

        Raises ``BadConfig`` if another organization has the verification key."""
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
        """Rebuild the look-ups by key after a key has changed."""
        orgs = self.orgs.values()
        self.ashby_keys = {key.key: (org, key) for org in orgs for key in org.ashby_keys}
        self.verification_keys = {
            key: org for org in orgs for key in (org.mailed_key, org.verification_key) if key
        }

    def secrets(self, org: Org | None) -> list[str]:
        """The keys to remove from a text: the organization's, or all keys if the caller is unknown."""
        return org.secrets if org else [*self.ashby_keys, *self.verification_keys]

    def ledger(self, slug: str) -> Ledger:
        """The counts of one organization's rejected and repeated updates."""
        return self.ledgers.setdefault(slug, Ledger(slug))

    def reset(self) -> None:
        """Delete all data; organizations, keys and switches stay."""
        self.storage.clear()
        self.calls.clear()
        self.assessments.clear()
        self.ledgers.clear()
        self.orders = OrderTable()
        for org in self.orgs.values():
            self._seed(org)

    # Writing through

    def save_application(self, application: Application) -> None:
        """Add a candidate's application."""
        self.orgs[application.org].applications[application.id] = application
        self._put("application", application.id, application.org, vars(application))

    def save_package(self, org: Org, package: Package) -> None:
        """Add or change a package."""
        org.packages[package.id] = package
        self._put("package", f"{org.slug}/{package.id}", org.slug, {"org": org.slug, **vars(package)})

    def save_assessment(self, assessment: Assessment) -> None:
        """Add or change an assessment."""
        if assessment.id not in self.assessments:
            self.assessments[assessment.id] = assessment
            self.orgs[assessment.org].assessment_ids.append(assessment.id)
        self._put("assessment", assessment.id, assessment.org, vars(assessment))

    def save_order(self, order: Order) -> None:
        """Add or change an order."""
        if order.id not in self.orders:
            self.orgs[order.org].order_ids.append(order.id)
        self.orders.put(order)
        self._put("order", order.id, order.org, vars(order))

    def save_ledger(self, ledger: Ledger) -> None:
        """Store an organization's counts."""
        self._put("ledger", ledger.org, ledger.org, vars(ledger))

    # Reading

    def assessments_of(self, org: Org, application_id: str | None = None) -> list[Assessment]:
        """An organization's assessments, oldest first; of one application, if one is given."""
        found = (self.assessments[identifier] for identifier in org.assessment_ids)
        return [one for one in found if application_id in (None, one.application_id)]

    def orders_of(self, org: Org) -> list[Order]:
        """An organization's orders, oldest first."""
        return [self.orders[identifier] for identifier in org.order_ids]

    def _put(self, kind: str, identifier: str, slug: str, body: dict[str, Any]) -> None:
        self.storage.put(kind, identifier, body, self.orgs[slug].secrets)

    def _load(self, model: type[Row], kind: str) -> list[Row]:
        """The stored rows; fields that another version of the sandbox has written are ignored."""
        known = {field.name for field in fields(model)}
        rows = self.storage.load(kind)
        return [model(**{name: value for name, value in row.items() if name in known}) for row in rows]

    def _new_org(self, config: OrgConfig) -> Org:
        settings = replace(self.defaults, push_retry_seconds=list(self.defaults.push_retry_seconds))
        org = Org(config.slug, config.name or config.slug, settings=settings)
        self.orgs[org.slug] = org
        self._seed(org)
        return org

    def _seed(self, org: Org) -> None:
        jobs, candidates = org.seeded
        org.types, org.messages = {}, {}
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
        org.order_ids = [one.id for one in self.orders if one.org == org.slug]
