"""What an org can order: packages from Justifacts, jobs from Ashby, and which job gets what."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.partner_protocol.parsing import same_uuid
from integrations.partner_protocol.starts import StartRequest

from .connections import ashby_client, justifacts_client
from .justifacts.client import SoldPackage
from .models import Connection, CustomField, Job, JobPackageMapping, Organization, Package
from .rules import Refusal, Rule
from .withdrawals import Decision, Loss, same_name, unattended


@dataclass(frozen=True)
class Synced:
    """What a synchronization changed. ``missing`` is known here and not listed by the other side, which is
    certain: a package that waits for a person's confirmation, or a job. ``doubt`` is a sentence that says why
    the list was not believed in full; empty for a list that was."""

    added: list[str]
    changed: list[str]
    withdrawn: list[str]
    total: int
    missing: tuple[Package | Job, ...] = ()
    doubt: str = ""


class NoPackage(Exception):
    """The start names no package that may be ordered; the text is for the Ashby user."""


def sync_packages(connection: Connection, decide: Decision = unattended) -> Synced:
    """Fetches the packages that Justifacts sells to the organization. Adds and renames at once; ``decide``
    says whether those that are gone are withdrawn: kept for old orders and no longer offered. A list that is
    not complete withdraws nothing. Raises ``CallFailed``."""
    not_withdrawn = Package.objects.filter(organization=connection.organization_id, withdrawn_at=None)
    # Another fetch may add a package while this one reads an older list.
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
            said = (item.name, item.description, None)
            if package is None:
                package = Package(organization_id=connection.organization_id, justifacts_id=justifacts_id)
                added.append(item.name)
            elif (package.name, package.description, package.withdrawn_at) != said:
                changed.append(_change(package, item))
            else:
                continue
            package.name, package.description, package.withdrawn_at = said
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
            gone = Package.objects.filter(pk__in=[package.pk for package in missing])
            gone.update(withdrawn_at=timezone.now())
            return Synced(added, changed, [package.name for package in missing], len(sold))
    return Synced(added, changed, [], len(sold), tuple(missing), doubt)


def lock_lists(organization_id: int) -> Organization:
    """The organization, whose packages and jobs nobody else fetches until the end of the transaction. Starts
    go on: they only refer to the row. Whoever writes several packages takes the lock first."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)


def _write(rows: list[Any], model: type[Package] | type[Job], unique: str, fields: list[str]) -> None:
    """Writes these fields only: what an admin has changed meanwhile stays. A row that somebody else has added
    meanwhile is written over, too."""
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
    """What Justifacts has changed about a package, in a few words."""
    if package.withdrawn_at:
        return _("%(package)s (sold again)") % {"package": item.name}
    if package.name != item.name:
        return f"{package.name} → {item.name}"
    return _("%(package)s (description)") % {"package": item.name}


def sync_jobs(connection: Connection) -> Synced:
    """Fetches the organization's jobs from Ashby, all pages. A job that is gone stays, with its mapping.
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
            said = (item.title, item.status, item.requisition_id)
            if job is None:
                job = Job(organization_id=connection.organization_id, ashby_id=ashby_id)
                added.append(item.title or ashby_id)
            elif (job.title, job.status, job.requisition_id) != said:
                changed.append(item.title or ashby_id)
            else:
                continue
            job.title, job.status, job.requisition_id = said
            written.append(job)
        _write(written, Job, "ashby_id", ["title", "status", "requisition_id"])
    doubt = listing.problem
    if not listed and jobs and not doubt:
        doubt = f"Ashby's list of jobs is empty, although the portal knows {len(jobs)}."
    missing = () if doubt else tuple(job for job in jobs if job.ashby_id.strip() not in listed)
    return Synced(added, changed, [], len(listed), missing, doubt)


def find_package(organization: Organization, text: str) -> Package:
    """A package by its UUID, its id at Justifacts, or its name, in this order. Of several packages of one
    name the one that is offered is meant. Raises ``ValidationError``."""
    text = text.strip()
    packages = list(organization.packages.order_by("pk"))
    uuid, name = _uuid(text), same_name(text)
    by_id = [p for p in packages if uuid == p.assessment_type_id] or [
        p for p in packages if text and p.justifacts_id.strip() == text
    ]
    by_name = [p for p in packages if name and name in (same_name(p.name), same_name(p.ashby_name))]
    offered = [p for p in by_name if p.is_offered]
    # Of packages that are all gone, the newest: it is the one that can be said to be gone.
    found = by_id or offered or by_name[-1:]
    if len(found) == 1:
        return found[0]
    facts = {"organization": organization, "name": text}
    if not found:
        raise ValidationError(_("In %(organization)s no package is called “%(name)s”.") % facts)
    ids = ", ".join(package.justifacts_id for package in found)
    said = _(
        "In %(organization)s two packages are called “%(name)s”. Name one by its id at Justifacts: %(ids)s."
    )
    raise ValidationError(said % {**facts, "ids": ids})


@transaction.atomic
def map_job(
    organization: Organization, ashby_job_id: str, package: Package, *, strict: bool = False
) -> JobPackageMapping:
    """Maps a job, which Ashby may not have told us of yet, to a package. Raises ``ValidationError``."""
    ashby_job_id = ashby_job_id.strip()
    if not ashby_job_id:
        raise ValidationError(_("Name the job by its id in Ashby."))
    job, _created = Job.objects.get_or_create(organization=organization, ashby_id=ashby_job_id)
    mapping = JobPackageMapping.objects.filter(job=job).first() or JobPackageMapping(job=job)
    mapping.package, mapping.is_strict = package, strict
    mapping.full_clean()
    mapping.save()
    return mapping


@transaction.atomic
def set_default_package(organization: Organization, package: Package | None) -> None:
    """What "Package for this job" orders for a job without a mapping. Raises ``ValidationError``."""
    lock_lists(organization.pk)
    if package is not None:
        package.is_default = True
        package.clean()
    organization.packages.filter(is_default=True).update(is_default=False)
    if package is not None:
        organization.packages.filter(pk=package.pk).update(is_default=True)


@dataclass(frozen=True)
class Offer:
    """One entry of ``assessment.list``."""

    assessment_type_id: UUID
    name: str
    description: str


def offers(connection: Connection) -> Iterable[Offer]:
    """Every active package of the org, and "Package for this job" once a job or a default is set."""
    organization_id = connection.organization_id
    packages = list(Package.objects.filter(organization=organization_id))
    for package in packages:
        # A replaced package is not listed beside the one that replaces it, of the same name: interview plans
        # keep the old id, and a start with it orders the replacement (``package_for``).
        if package.is_offered:
            yield Offer(package.assessment_type_id, package.label, package.description)
    by_job = (
        any(package.is_default and package.current.is_offered for package in packages)
        or JobPackageMapping.objects.filter(job__organization=organization_id).exists()
    )
    if by_job:
        yield Offer(
            connection.job_package_type_id,
            "Package for this job",
            "The package that your organization has chosen for the candidate's job.",
        )


def custom_fields(connection: Connection) -> list[CustomField]:
    return list(CustomField.objects.filter(organization=connection.organization_id))


def package_for(connection: Connection, request: StartRequest) -> tuple[Package, bool]:
    """The package that a start orders, and whether the job chose it.

    Raises ``NoPackage`` with a sentence for the Ashby user: which job has no package and who can
    add one; or that the job is strict and which package it takes.
    """
    # Unordered, and without the rows that few starts need: every start comes through here.
    packages = Package.objects.order_by().filter(organization=connection.organization_id)
    mappings = JobPackageMapping.objects.order_by().filter(
        job__organization=connection.organization_id,
        job__ashby_id__in={request.job_id, same_uuid(request.job_id)},
    )
    mapping = next(iter(mappings), None)
    wanted = _uuid(request.assessment_type_id)
    by_job = wanted == connection.job_package_type_id
    default = packages.filter(is_default=True) if by_job and mapping is None else ()
    rule = Rule(mapping, next(iter(default), None))
    if by_job:
        package = rule.chosen
    else:
        asked_for = next(iter(packages.filter(assessment_type_id=wanted)), None) if wanted else None
        package = asked_for.current if asked_for else None
        if package is None:
            raise NoPackage(
                f"This assessment type is not one of {connection.organization}'s Justifacts packages. "
                "Choose another one from the list."
            )
    refusal = rule.refusal(package)
    if package is None or refusal:
        raise NoPackage(_why_refused(connection.organization, request, rule, package, refusal))
    return package, by_job


def _why_refused(
    organization: Organization,
    request: StartRequest,
    rule: Rule,
    package: Package | None,
    refusal: Refusal | None,
) -> str:
    """The sentence that Ashby shows the recruiter."""
    job_name = request.job_name or request.job_id
    if refusal == Refusal.NOT_OFFERED:
        return (
            f"The package “{package}” is not offered any more. An admin of {organization} can say "
            "which one to use instead."
        )
    if refusal == Refusal.STRICT:
        return (
            f"The job “{job_name}” takes only the package “{rule.mapped}”. Start that one, or ask an "
            f"admin of {organization} to change it in the portal, under Jobs."
        )
    return (
        f"The job “{job_name}” has no Justifacts package. An admin of {organization} can "
        "choose one for it in the portal, under Jobs. You can also start one of the other packages."
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
