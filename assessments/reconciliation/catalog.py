"""Checks that an organization's packages and mapped jobs still exist, and lists pushes about unknown
orders."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from assessments.models import Discrepancy, InboundRequest
from assessments.tracking.order_number import find_order
from integrations.catalog.mapping import namesakes
from integrations.catalog.sync import SyncResult, sync_jobs, sync_packages
from integrations.http.errors import CallFailed
from integrations.models import Connection, Job, JobPackageMapping, Package

#: Outcome and text of a discrepancy.
_Line = tuple[str, str]
_NEEDS_REVIEW, _NOT_CHECKED = Discrepancy.Outcome.NEEDS_REVIEW, Discrepancy.Outcome.NOT_CHECKED
_DAY = timedelta(days=1)
#: At most this many unknown orders are listed.
_MAX_UNKNOWN = 50
#: Ashby's statuses of a job that has ended.
_CLOSED = frozenset({"closed", "archived"})


def compare_catalog(connection: Connection) -> Iterator[_Line]:
    """Fetch packages and jobs as the scheduled sync does, and check the default package and all job package
    mappings. A doubtful list is reported; it withdraws no package and makes no job count as missing."""
    missing_jobs: frozenset[str] = frozenset()
    try:
        packages = sync_packages(connection)
        if packages.doubt:
            yield _NEEDS_REVIEW, _packages_in_doubt(packages)
    except CallFailed as error:
        yield _NOT_CHECKED, f"The packages at Justifacts could not be checked: {error.message}"
    try:
        jobs = sync_jobs(connection)
        missing_jobs = frozenset(job.ashby_id for job in jobs.missing if isinstance(job, Job))
        if jobs.doubt:
            yield (
                _NEEDS_REVIEW,
                f"{jobs.doubt} The known jobs are unchanged. Check what the Ashby API key may read, and "
                "press “Fetch jobs” on the set-up page.",
            )
    except CallFailed as error:
        yield _NOT_CHECKED, f"The jobs at Ashby could not be checked: {error.message}"
    default = connection.organization.packages.filter(is_default=True).first()
    if default and not default.current.is_offered:
        yield (
            _NEEDS_REVIEW,
            f"The default package “{default}” is not offered any more. Choose another one under Packages."
            f"{_namesake_of(default)}",
        )
    mappings = JobPackageMapping.objects.filter(job__organization=connection.organization_id)
    for mapping in mappings.select_related("job", "package__replaced_by").order_by("job__title", "pk"):
        yield from _mapping(mapping, missing_jobs)


def _packages_in_doubt(packages: SyncResult) -> str:
    names = ", ".join(f"“{package}”" for package in packages.missing[:10])
    lacks = f" It lacks {names}." if 0 < len(packages.missing) <= 10 else ""
    return (
        f"{packages.doubt}{lacks} Nothing was withdrawn. Press “Fetch packages” on the set-up page: it shows "
        "what is missing and asks before anything is withdrawn."
    )


def _namesake_of(package: Package) -> str:
    namesake = namesakes([package]).get(package.pk)
    if namesake is None:
        return ""
    return (
        f" A package of the same name is offered ({namesake.justifacts_id}): if it is the same check, open "
        "the old package and choose the new one under “Replaced by”."
    )


def _mapping(mapping: JobPackageMapping, missing_jobs: frozenset[str]) -> Iterator[_Line]:
    if not mapping.package.current.is_offered:
        yield (
            _NEEDS_REVIEW,
            f"The job “{mapping.job}” gets the package “{mapping.package}”, which is not offered any more. "
            f"Choose another one under Jobs.{_namesake_of(mapping.package)}",
        )
    if mapping.job.ashby_id in missing_jobs:
        # Ashby does not list drafts by default.
        yield (
            _NEEDS_REVIEW,
            f"Ashby lists no job “{mapping.job}”, which has a package here. Check its id, or take the "
            "package away under Jobs, unless it is a draft.",
        )
    elif mapping.job.status.casefold() in _CLOSED:
        yield (
            _NEEDS_REVIEW,
            f"The job “{mapping.job}” is {mapping.job.status.lower()} in Ashby and still has a package. Take "
            "the package away under Jobs, if the job will not open again.",
        )


def unknown_references(connection: Connection, now: datetime) -> Iterator[_Line]:
    """List pushes of the last day about orders that the portal still does not have."""
    calls = InboundRequest.objects.filter(
        organization=connection.organization_id,
        source=InboundRequest.Source.JUSTIFACTS,
        outcome="assessment_not_found",
        received_at__gte=now - _DAY,
    )
    named = Counter(_named(call.body) for call in calls.only("body").iterator())
    unknown = (item for item in named.most_common() if find_order(connection, *item[0]) is None)
    for (number, reference), count in islice(unknown, _MAX_UNKNOWN):
        times = "once" if count == 1 else f"{count} times"
        name = (reference or number or "no reference")[:100]
        yield (
            _NEEDS_REVIEW,
            f"Justifacts sent {times} the status of an order that the portal does not know ({name}). Ask "
            "Justifacts whose check it is.",
        )


def _named(body: object) -> tuple[str, str]:
    """Justifacts' number and our reference, as they are in the push."""
    found = body if isinstance(body, dict) else {}
    number, reference = (str(found.get(name) or "") for name in ("assessment_id", "reference_id"))
    return number, reference
