"""Which package a job gets, and what would change if it got another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from .models import Job, JobPackageMapping, Organization, Package


@dataclass(frozen=True)
class Rule:
    """What holds for one job: its own package, if it has one, else the organization's default."""

    mapped: Package | None
    is_strict: bool
    default: Package | None

    @property
    def package(self) -> Package | None:
        """What “Package for this job” orders; None: such a start is answered 422."""
        package = self.mapped or self.default
        return package if package and package.is_offered else None

    def takes(self, package: Package) -> bool:
        """Whether a recruiter may start this package for the job."""
        return package.is_offered and not (self.is_strict and self.mapped and self.mapped.pk != package.pk)


def rules_of(organization: Organization) -> tuple[dict[str, Rule], Rule]:
    """The rule of each mapped job by its id in Ashby, and the rule of every other job."""
    default = organization.packages.filter(is_default=True).first()
    mappings = JobPackageMapping.objects.filter(job__organization=organization)
    rules = {
        mapping.job.ashby_id: Rule(mapping.package, mapping.is_strict, default)
        for mapping in mappings.select_related("job", "package")
    }
    return rules, Rule(None, False, default)


@transaction.atomic
def map_jobs(jobs: Sequence[Job], package: Package, *, strict: bool) -> None:
    """Maps every one of the jobs to the package. Raises ``ValidationError``, and then maps none."""
    known = {mapping.job_id: mapping for mapping in JobPackageMapping.objects.filter(job__in=jobs)}
    for job in jobs:
        mapping = known.get(job.pk) or JobPackageMapping(job=job)
        mapping.package, mapping.is_strict = package, strict
        mapping.full_clean()
        mapping.save()


def unmap_jobs(jobs: Iterable[Job]) -> int:
    """Takes the jobs' own packages away; how many had one."""
    removed, _details = JobPackageMapping.objects.filter(job__in=list(jobs)).delete()
    return removed


def one_organization(jobs: Sequence[Job]) -> Organization:
    """The organization of all the jobs. Raises ``ValidationError`` where they have several."""
    organizations = {job.organization for job in jobs}
    if len(organizations) != 1:
        raise ValidationError(_("Choose jobs of one organization: each has packages of its own."))
    return organizations.pop()
