"""Job package mappings, the default package and replacements of packages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from integrations.catalog.package_rule import PackageRule
from integrations.catalog.sync import lock_lists
from integrations.catalog.withdrawals import same_name
from integrations.models import Job, JobPackageMapping, Organization, Package
from integrations.partner_protocol.parsing import as_uuid


def find_package(organization: Organization, text: str) -> Package:
    """Return the package with this UUID, id at Justifacts, or name, in this order. Of several packages of one
    name it is the offered one. Raises ``ValidationError`` if none or several match."""
    text = text.strip()
    packages = list(organization.packages.order_by("pk"))
    uuid, name = as_uuid(text), same_name(text)
    by_id = [p for p in packages if uuid == p.assessment_type_id] or [
        p for p in packages if text and p.justifacts_id.strip() == text
    ]
    by_name = [p for p in packages if name and name in (same_name(p.name), same_name(p.ashby_name))]
    offered = [p for p in by_name if p.is_offered]
    # If all packages of the name are withdrawn, the newest: the caller's refusal names it.
    found = by_id or offered or by_name[-1:]
    if len(found) == 1:
        return found[0]
    values = {"organization": organization, "name": text}
    if not found:
        raise ValidationError(_("%(organization)s has no package named “%(name)s”.") % values)
    ids = ", ".join(package.justifacts_id for package in found)
    message = _("%(organization)s has two packages named “%(name)s”. Use the Justifacts ID instead: %(ids)s.")
    raise ValidationError(message % {**values, "ids": ids})


@transaction.atomic
def map_job(
    organization: Organization, ashby_job_id: str, package: Package, *, strict: bool = False
) -> JobPackageMapping:
    """Map a job, which need not have been fetched from Ashby yet, to a package. Raises
    ``ValidationError``."""
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
    """Set the package that "Package for this job" orders for jobs without a mapping; ``None``: no package.
    Raises ``ValidationError``."""
    lock_lists(organization.pk)
    if package is not None:
        package.is_default = True
        package.clean()
    organization.packages.filter(is_default=True).update(is_default=False)
    if package is not None:
        organization.packages.filter(pk=package.pk).update(is_default=True)


def rules_of(organization: Organization) -> tuple[dict[str, PackageRule], PackageRule]:
    """Return the rule of each mapped job, by its Ashby ID, and the rule of every other job."""
    default = organization.packages.filter(is_default=True).first()
    mappings = JobPackageMapping.objects.filter(job__organization=organization)
    rules = {
        mapping.job.ashby_id: PackageRule(mapping, default)
        for mapping in mappings.select_related("job", "package__replaced_by")
    }
    return rules, PackageRule(None, default)


@transaction.atomic
def map_jobs(jobs: Sequence[Job], package: Package, *, strict: bool) -> None:
    """Map all jobs to the package, or none. Raises ``ValidationError``."""
    mappings = [JobPackageMapping(job=job, package=package, is_strict=strict) for job in jobs]
    for mapping in mappings:
        mapping.clean()
    # One statement for any number of jobs; it overwrites mappings that were made in the meantime.
    JobPackageMapping.objects.bulk_create(
        mappings, update_conflicts=True, unique_fields=["job"], update_fields=["package", "is_strict"]
    )


def unmap_jobs(jobs: Iterable[Job]) -> int:
    """Delete the jobs' mappings; return how many there were."""
    removed, _details = JobPackageMapping.objects.filter(job__in=list(jobs)).delete()
    return removed


def replacements_for(package: Package) -> QuerySet[Package]:
    """Return the packages that may replace this one: those that its organization offers, and the present
    replacement."""
    packages = Package.objects.filter(organization=package.organization_id).exclude(pk=package.pk)
    return packages.filter(Q(is_active=True, withdrawn_at=None) | Q(pk=package.replaced_by_id))


def namesakes(packages: Iterable[Package]) -> dict[int, Package]:
    """Map each withdrawn package without a replacement (by primary key) to the only offered package of its
    organization with the same name, which is probably the same check, sold under a new id."""
    withdrawn = [package for package in packages if package.withdrawn_at and package.replaced_by_id is None]
    if not withdrawn:
        return {}
    organizations = {package.organization_id for package in withdrawn}
    offered = Package.objects.filter(organization__in=organizations, is_active=True, withdrawn_at=None)
    by_name: dict[tuple[int, str], list[Package]] = defaultdict(list)
    for package in offered:
        by_name[package.organization_id, same_name(package.name)].append(package)
    found = ((package.pk, by_name[package.organization_id, same_name(package.name)]) for package in withdrawn)
    return {pk: same[0] for pk, same in found if len(same) == 1}


def one_organization(jobs: Sequence[Job]) -> Organization:
    """Return the organization of all the jobs. Raises ``ValidationError`` if there are several, or no
    jobs."""
    organizations = {job.organization for job in jobs}
    if len(organizations) != 1:
        raise ValidationError(
            _("Select jobs of one organization only: each organization has its own packages.")
        )
    return organizations.pop()
