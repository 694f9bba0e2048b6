"""Which package a job gets, and what would change if it got another."""

from collections.abc import Iterable, Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from .models import Job, JobPackageMapping, Organization, Package
from .rules import Rule
from .withdrawals import same_name


def rules_of(organization: Organization) -> tuple[dict[str, Rule], Rule]:
    """The rule of each mapped job by its id in Ashby, and the rule of every other job."""
    default = organization.packages.filter(is_default=True).first()
    mappings = JobPackageMapping.objects.filter(job__organization=organization)
    rules = {
        mapping.job.ashby_id: Rule(mapping, default)
        for mapping in mappings.select_related("job", "package__replaced_by")
    }
    return rules, Rule(None, default)


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
        raise ValidationError(_("Choose jobs of one organization: each has packages of its own."))
    return organizations.pop()
