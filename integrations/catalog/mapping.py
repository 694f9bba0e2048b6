"""Which package a job gets, and what would change if it got another."""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integrations.catalog.offers import parse_uuid
from integrations.catalog.package_rule import PackageRule
from integrations.catalog.sync import lock_lists
from integrations.catalog.withdrawals import same_name
from integrations.models import Job, JobPackageMapping, Organization, Package


def find_package(organization: Organization, text: str) -> Package:
    """A package by its UUID, its id at Justifacts, or its name, in this order. Of several packages of one
    name the one that is offered is meant. Raises ``ValidationError``."""
    text = text.strip()
    packages = list(organization.packages.order_by("pk"))
    uuid, name = parse_uuid(text), same_name(text)
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
        raise ValidationError(_("%(organization)s has no package named “%(name)s”.") % facts)
    ids = ", ".join(package.justifacts_id for package in found)
    said = _("%(organization)s has two packages named “%(name)s”. Use the Justifacts ID instead: %(ids)s.")
    raise ValidationError(said % {**facts, "ids": ids})


@transaction.atomic
def map_job(
    organization: Organization, ashby_job_id: str, package: Package, *, strict: bool = False
) -> JobPackageMapping:
    """Maps a job, which Ashby may not have told us of yet, to a package. Raises ``ValidationError``."""
    ashby_job_id = ashby_job_id.strip()
    if not ashby_job_id:
        raise ValidationError(_("Use the Ashby ID of the job."))
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


def rules_of(organization: Organization) -> tuple[dict[str, PackageRule], PackageRule]:
    """The rule of each mapped job by its id in Ashby, and the rule of every other job."""
    default = organization.packages.filter(is_default=True).first()
    mappings = JobPackageMapping.objects.filter(job__organization=organization)
    rules = {
        mapping.job.ashby_id: PackageRule(mapping, default)
        for mapping in mappings.select_related("job", "package__replaced_by")
    }
    return rules, PackageRule(None, default)


@transaction.atomic
def map_jobs(jobs: Sequence[Job], package: Package, *, strict: bool) -> None:
    """Maps every one of the jobs to the package. Raises ``ValidationError``, and then maps none."""
    mappings = [JobPackageMapping(job=job, package=package, is_strict=strict) for job in jobs]
    for mapping in mappings:
        mapping.clean()
    # One statement for any number of jobs; one that somebody else maps meanwhile is written over.
    JobPackageMapping.objects.bulk_create(
        mappings, update_conflicts=True, unique_fields=["job"], update_fields=["package", "is_strict"]
    )


def unmap_jobs(jobs: Iterable[Job]) -> int:
    """Takes the jobs' own packages away; how many had one."""
    removed, _details = JobPackageMapping.objects.filter(job__in=list(jobs)).delete()
    return removed


def replacements_for(package: Package) -> QuerySet[Package]:
    """The packages that can be said to replace this one: what its organization offers, and the present
    replacement."""
    packages = Package.objects.filter(organization=package.organization_id).exclude(pk=package.pk)
    return packages.filter(Q(is_active=True, withdrawn_at=None) | Q(pk=package.replaced_by_id))


def namesakes(packages: Iterable[Package]) -> dict[int, Package]:
    """For each package (by primary key) that Justifacts no longer sells and nothing replaces, the one offered
    package of the same organization that has the same name: probably the same check, sold under a new id."""
    gone = [package for package in packages if package.withdrawn_at and package.replaced_by_id is None]
    of = {package.organization_id for package in gone}
    offered = Package.objects.filter(organization__in=of, is_active=True, withdrawn_at=None) if gone else ()
    by_name: dict[tuple[int, str], list[Package]] = {}
    for package in offered:
        by_name.setdefault((package.organization_id, same_name(package.name)), []).append(package)
    found = {
        package.pk: by_name.get((package.organization_id, same_name(package.name)), []) for package in gone
    }
    return {pk: same[0] for pk, same in found.items() if len(same) == 1}


def one_organization(jobs: Sequence[Job]) -> Organization:
    """The organization of all the jobs. Raises ``ValidationError`` where they have several."""
    organizations = {job.organization for job in jobs}
    if len(organizations) != 1:
        raise ValidationError(
            _("Select jobs of one organization only: each organization has its own packages.")
        )
    return organizations.pop()
