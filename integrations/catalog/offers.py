"""What an organization offers in Ashby, and which package a start orders."""

from collections.abc import Iterable

from integrations.catalog.package_rule import PackageRule, RuleRefusal
from integrations.models import Connection, JobPackageMapping, Organization, Package
from integrations.partner_protocol.parsing import same_uuid
from integrations.partner_protocol.responses import AssessmentType
from integrations.partner_protocol.starts import StartRequest


class NoPackage(Exception):
    """No package may be ordered for the start. The message is for the recruiter in Ashby."""


def offers(connection: Connection) -> Iterable[AssessmentType]:
    """Yield every offered package, and "Package for this job" if a job is mapped or a default is set."""
    organization_id = connection.organization_id
    packages = list(Package.objects.filter(organization=organization_id))
    for package in packages:
        # A replaced package is not listed beside its replacement. Interview plans keep the old id, and a
        # start with the old id orders the replacement (``package_for``).
        if package.is_offered:
            yield AssessmentType(str(package.assessment_type_id), package.label, package.description)
    has_default = any(package.is_default and package.current.is_offered for package in packages)
    if has_default or JobPackageMapping.objects.filter(job__organization=organization_id).exists():
        description = "The package that your organization has chosen for the candidate's job."
        yield AssessmentType(str(connection.job_package_type_id), "Package for this job", description)


def package_for(connection: Connection, request: StartRequest) -> tuple[Package, bool]:
    """Return the package that a start orders, and whether the job's rule chose it.

    Raises ``NoPackage`` with a sentence for the recruiter: which job has no package and who can add one, or
    which package a strict job takes.
    """
    # Every start runs these queries: they do not sort, and read only the rows that the start needs.
    packages = Package.objects.order_by().filter(organization=connection.organization_id)
    mappings = JobPackageMapping.objects.order_by().filter(
        job__organization=connection.organization_id,
        job__ashby_id__in={request.job_id, same_uuid(request.job_id)},
    )
    mapping = next(iter(mappings), None)
    type_id = request.type_uuid
    by_job = type_id == connection.job_package_type_id
    default = packages.filter(is_default=True) if by_job and mapping is None else ()
    rule = PackageRule(mapping, next(iter(default), None))
    if by_job:
        package = rule.chosen
    else:
        named = next(iter(packages.filter(assessment_type_id=type_id)), None) if type_id else None
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
