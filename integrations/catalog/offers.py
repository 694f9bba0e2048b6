"""What an organization offers in Ashby, and which package a start orders."""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Exists, Q, QuerySet

from integrations.catalog.package_rule import PackageRule, RuleRefusal
from integrations.compiled import CompiledQuery
from integrations.models import Connection, JobPackageMapping, Organization, Package
from integrations.partner_protocol.parsing import same_uuid
from integrations.partner_protocol.responses import AssessmentType
from integrations.partner_protocol.starts import StartRequest


class NoPackage(Exception):
    """No package may be ordered for the start. The message is for the recruiter in Ashby."""


_all_packages = CompiledQuery(
    lambda organization: Package.objects.filter(organization=organization), models.BigIntegerField()
)
_any_mapping = CompiledQuery(
    lambda organization: JobPackageMapping.objects.order_by().filter(job__organization=organization)[:1],
    models.BigIntegerField(),
)


def offers(connection: Connection) -> Iterable[AssessmentType]:
    """Yield every offered package, and "Package for this job" if a job is mapped or a default is set."""
    organization_id = connection.organization_id
    packages = _all_packages(organization_id)
    for package in packages:
        # A replaced package is not listed beside its replacement. Interview plans keep the old id, and a
        # start with the old id orders the replacement (``package_for``).
        if package.is_offered:
            yield AssessmentType(str(package.assessment_type_id), package.label, package.description)
    has_default = any(package.is_default and package.current.is_offered for package in packages)
    if has_default or _any_mapping(organization_id):
        description = "The package that your organization has chosen for the candidate's job."
        yield AssessmentType(str(connection.job_package_type_id), "Package for this job", description)


def _mappings_of(organization: Any, job_id: Any, same_job_id: Any) -> QuerySet[JobPackageMapping]:
    is_job = Q(job__ashby_id=job_id) | Q(job__ashby_id=same_job_id)
    return JobPackageMapping.objects.order_by().filter(is_job, job__organization=organization)


def _named_packages(type_id: Any, organization: Any, job_id: Any, same_job_id: Any) -> QuerySet[Package]:
    """With whether the job is mapped, which saves most starts the look-up of the mapping."""
    packages = Package.objects.order_by().filter(organization=organization, assessment_type_id=type_id)
    return packages.annotate(job_is_mapped=Exists(_mappings_of(organization, job_id, same_job_id)))


_OF_JOB = (models.BigIntegerField(), models.CharField(), models.CharField())
_mappings = CompiledQuery(_mappings_of, *_OF_JOB)
_named = CompiledQuery(_named_packages, models.UUIDField(), *_OF_JOB)


def package_for(connection: Connection, request: StartRequest) -> tuple[Package, bool]:
    """Return the package that a start orders, and whether the job's rule chose it.

    Raises ``NoPackage`` with a sentence for the recruiter: which job has no package and who can add one, or
    which package a strict job takes.
    """
    organization_id, type_id = connection.organization_id, request.type_uuid
    by_job = type_id == connection.job_package_type_id
    job = (organization_id, request.job_id, same_uuid(request.job_id))
    named = next(iter(_named(type_id, *job)), None) if type_id and not by_job else None
    is_mapped = by_job or (named is not None and named.job_is_mapped)  # type: ignore[attr-defined] # annotated
    mapping = next(iter(_mappings(*job)), None) if is_mapped else None
    default = None
    if by_job and mapping is None:
        default = Package.objects.order_by().filter(organization=organization_id, is_default=True).first()
    rule = PackageRule(mapping, default)
    if by_job:
        package = rule.chosen
    else:
        package = named.current if named else None
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
    rule: PackageRule,
    package: Package | None,
    refusal: RuleRefusal | None,
) -> str:
    """The sentence that Ashby shows the recruiter."""
    job = f"The job “{request.job_name or request.job_id}”"
    if refusal == RuleRefusal.NOT_OFFERED:
        return (
            f"The package “{package}” is not offered any more. An admin of {organization} can say which one "
            "to use instead."
        )
    if refusal == RuleRefusal.STRICT:
        return (
            f"{job} takes only the package “{rule.mapped}”. Start that one, or ask an admin of "
            f"{organization} to change it in the portal, under Jobs."
        )
    return (
        f"{job} has no Justifacts package. An admin of {organization} can choose one for it in the portal, "
        "under Jobs. You can also start one of the other packages."
    )
