"""Fetches packages from Justifacts and jobs from Ashby."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.catalog.withdrawals import Decision, Loss, unattended
from integrations.connections.clients import ashby_client, justifacts_client
from integrations.justifacts.client import SoldPackage
from integrations.models import Connection, Job, Organization, Package


@dataclass(frozen=True)
class SyncResult:
    """What a fetch changed. ``missing``: packages that wait for a person's confirmation, or jobs, that a
    complete list does not contain. ``doubt``: why the portal does not rely on the list, as a sentence; empty
    if it does."""

    added: list[str]
    changed: list[str]
    withdrawn: list[str]
    total: int
    missing: tuple[Package | Job, ...] = ()
    doubt: str = ""


def sync_packages(connection: Connection, decide: Decision = unattended) -> SyncResult:
    """Fetch the packages that Justifacts sells to the organization.

    New and renamed packages are stored. ``decide`` says whether packages that the list lacks are withdrawn,
    which means kept for old orders and no longer offered. An incomplete list withdraws nothing. Raises
    ``CallFailed``.
    """
    not_withdrawn = Package.objects.filter(organization=connection.organization_id, withdrawn_at=None)
    # A package that another fetch adds during the call below is not missing from this list.
    known_before = set(not_withdrawn.values_list("pk", flat=True))
    listing = justifacts_client(connection).packages()
    sold = listing.entries
    added: list[str] = []
    changed: list[str] = []
    written: list[Package] = []
    with transaction.atomic():
        packages = list(lock_lists(connection.organization_id).packages.all())
        known = {package.justifacts_id.strip(): package for package in packages}
        for justifacts_id, item in sold.items():
            package = known.get(justifacts_id)
            fetched = (item.name, item.description, None)
            if package is None:
                package = Package(organization_id=connection.organization_id, justifacts_id=justifacts_id)
                added.append(item.name)
            elif (package.name, package.description, package.withdrawn_at) != fetched:
                changed.append(_change(package, item))
            else:
                continue
            package.name, package.description, package.withdrawn_at = fetched
            written.append(package)
        _write(written, Package, "justifacts_id", ["name", "description", "withdrawn_at"])
        before = [p for p in packages if p.withdrawn_at is None and p.pk in known_before]
        missing = [package for package in before if package.justifacts_id.strip() not in sold]
        doubt = listing.problem
        if doubt:
            missing = []
        elif missing:
            doubt = decide(Loss(missing, before, [item.name for item in sold.values()]))
        if missing and not doubt:
            withdrawn = Package.objects.filter(pk__in=[package.pk for package in missing])
            withdrawn.update(withdrawn_at=timezone.now())
            return SyncResult(added, changed, [package.name for package in missing], len(sold))
    return SyncResult(added, changed, [], len(sold), tuple(missing), doubt)


def lock_lists(organization_id: int) -> Organization:
    """Lock the organization's packages and jobs against other fetches until the end of the transaction, and
    return the organization. Take the lock before writing several packages. Starts continue: they only refer
    to the row."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def _write(rows: list[Any], model: type[Package] | type[Job], unique: str, fields: list[str]) -> None:
    """Writes only these fields, so other changes by an admin stay. Also updates rows that were added in the
    meantime."""
    manager: Any = model._default_manager
    manager.bulk_update([row for row in rows if row.pk], fields, batch_size=500)
    manager.bulk_create(
        [row for row in rows if not row.pk],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["organization", unique],
        update_fields=fields,
    )


def _change(package: Package, item: SoldPackage) -> str:
    if package.withdrawn_at:
        return _("%(package)s (sold again)") % {"package": item.name}
    if package.name != item.name:
        return f"{package.name} → {item.name}"
    return _("%(package)s (description)") % {"package": item.name}


def sync_jobs(connection: Connection) -> SyncResult:
    """Fetch the organization's jobs from Ashby, all pages. A job that the list lacks stays, with its mapping.
    Raises ``CallFailed``."""
    listing = ashby_client(connection).jobs()
    listed = listing.entries
    added: list[str] = []
    changed: list[str] = []
    written: list[Job] = []
    with transaction.atomic():
        jobs = list(lock_lists(connection.organization_id).jobs.all())
        known = {job.ashby_id.strip(): job for job in jobs}
        for ashby_id, item in listed.items():
            job = known.get(ashby_id)
            fetched = (item.title, item.status, item.requisition_id)
            if job is None:
                job = Job(organization_id=connection.organization_id, ashby_id=ashby_id)
                added.append(item.title or ashby_id)
            elif (job.title, job.status, job.requisition_id) != fetched:
                changed.append(item.title or ashby_id)
            else:
                continue
            job.title, job.status, job.requisition_id = fetched
            written.append(job)
        _write(written, Job, "ashby_id", ["title", "status", "requisition_id"])
    doubt = listing.problem
    if not listed and jobs and not doubt:
        doubt = f"Ashby's list of jobs is empty, although the portal knows {len(jobs)}."
    missing = () if doubt else tuple(job for job in jobs if job.ashby_id.strip() not in listed)
    return SyncResult(added, changed, [], len(listed), missing, doubt)
