"""What an org can order: packages from Justifacts, jobs from Ashby, and which job gets what."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.partner_protocol.messages import StartRequest

from .ashby.client import AshbyJob
from .connections import ashby_client, justifacts_client
from .justifacts.client import SoldPackage
from .models import Connection, CustomField, Job, JobPackageMapping, Organization, Package
from .rules import Refusal, Rule


@dataclass(frozen=True)
class Synced:
    """What a synchronization changed."""

    added: list[str]
    changed: list[str]
    withdrawn: list[str]
    total: int


class NoPackage(Exception):
    """The start names no package that may be ordered; the text is for the Ashby user."""


def sync_packages(connection: Connection) -> Synced:
    """Fetches the packages that Justifacts sells to the org. One that is gone is kept for old
    orders and no longer offered. Raises ``CallFailed``."""
    sold = {package.justifacts_id: package for package in justifacts_client(connection).packages()}
    known = {package.justifacts_id: package for package in connection.organization.packages.all()}
    added, changed, withdrawn = [], [], []
    with transaction.atomic():
        for justifacts_id, item in sold.items():
            package = known.get(justifacts_id)
            if package is None:
                Package.objects.create(
                    organization=connection.organization,
                    justifacts_id=justifacts_id,
                    name=item.name,
                    description=item.description,
                )
                added.append(item.name)
            elif (package.name, package.description, package.withdrawn_at) != (
                item.name,
                item.description,
                None,
            ):
                changed.append(_change(package, item))
                package.name, package.description, package.withdrawn_at = item.name, item.description, None
                package.save()
        for package in known.values():
            if package.justifacts_id not in sold and package.withdrawn_at is None:
                package.withdrawn_at = timezone.now()
                package.save()
                withdrawn.append(package.name)
    return Synced(added, changed, withdrawn, len(sold))


def _change(package: Package, item: SoldPackage) -> str:
    """What Justifacts has changed about a package, in a few words."""
    if package.withdrawn_at:
        return _("%(package)s (sold again)") % {"package": item.name}
    if package.name != item.name:
        return f"{package.name} → {item.name}"
    return _("%(package)s (description)") % {"package": item.name}


def sync_jobs(connection: Connection) -> Synced:
    """Fetches the org's jobs from Ashby, all pages. A job that is gone stays, with its mapping.
    Raises ``CallFailed``."""
    return sync_jobs_and_find_missing(connection)[0]


def sync_jobs_and_find_missing(connection: Connection) -> tuple[Synced, frozenset[str]]:
    """The same, with the Ashby ids of the jobs that are known here and that Ashby did not list."""
    # Between two pages a job can move, and come twice.
    listed = {job.ashby_id: _as_stored(job) for job in ashby_client(connection).jobs() if job.ashby_id}
    known = {job.ashby_id: job for job in connection.organization.jobs.all()}
    added, changed = [], []
    with transaction.atomic():
        for item in listed.values():
            job = known.get(item.ashby_id)
            if job is None:
                _write_job(Job(organization=connection.organization, ashby_id=item.ashby_id), item)
                added.append(item.title)
            elif (job.title, job.status, job.requisition_id) != (
                item.title,
                item.status,
                item.requisition_id,
            ):
                _write_job(job, item)
                changed.append(item.title)
    return Synced(added, changed, [], len(listed)), frozenset(known.keys() - listed.keys())


def _as_stored(job: AshbyJob) -> AshbyJob:
    return AshbyJob(job.ashby_id, job.title[:500], job.status[:50], job.requisition_id[:200])


def _write_job(job: Job, item: AshbyJob) -> None:
    job.title, job.status, job.requisition_id = item.title, item.status, item.requisition_id
    job.save()


def find_package(organization: Organization, text: str) -> Package:
    """A package by its UUID, its id at Justifacts, or its name. Raises ``ValidationError``."""
    matches = Q(justifacts_id=text) | Q(name__iexact=text) | Q(ashby_name__iexact=text)
    if uuid := _uuid(text):
        matches |= Q(assessment_type_id=uuid)
    # Most packages have no name of their own in Ashby: an empty text is none of their names.
    found = list(organization.packages.filter(matches)[:2]) if text.strip() else []
    if len(found) != 1:
        facts = {"organization": organization, "name": text}
        if found:
            raise ValidationError(_("In %(organization)s two packages are called “%(name)s”.") % facts)
        raise ValidationError(_("In %(organization)s no package is called “%(name)s”.") % facts)
    return found[0]


@transaction.atomic
def map_job(
    organization: Organization, ashby_job_id: str, package: Package, *, strict: bool = False
) -> JobPackageMapping:
    """Maps a job, which Ashby may not have told us of yet, to a package. Raises ``ValidationError``."""
    if not ashby_job_id.strip():
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
    packages = list(Package.objects.filter(organization=organization_id, is_active=True, withdrawn_at=None))
    for package in packages:
        yield Offer(package.assessment_type_id, package.label, package.description)
    by_job = (
        any(package.is_default for package in packages)
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
        job__organization=connection.organization_id, job__ashby_id=request.job_id
    )
    mapping = next(iter(mappings), None)
    wanted = _uuid(request.assessment_type_id)
    by_job = wanted == connection.job_package_type_id
    default = packages.filter(is_default=True) if by_job and mapping is None else ()
    rule = Rule(mapping, next(iter(default), None))
    if by_job:
        package = rule.chosen
    else:
        package = next(iter(packages.filter(assessment_type_id=wanted)), None) if wanted else None
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
