"""Whether what an organization has chosen still exists: its packages, its mapped jobs, its default; and
what Justifacts says of orders that nobody knows."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from assessments.models import Difference, InboundCall
from integrations.catalogue import sync_jobs, sync_packages
from integrations.errors import CallFailed
from integrations.models import Connection, JobPackageMapping

_What = tuple[str, str]
_FOR_HUMAN, _NOT_CHECKED = Difference.Outcome.FOR_HUMAN, Difference.Outcome.NOT_CHECKED
_DAY = timedelta(days=1)
#: What Ashby calls a job that hires no more.
_CLOSED = frozenset({"closed", "archived"})


def compare_catalogue(connection: Connection) -> Iterator[_What]:
    """Fetches packages and jobs as the buttons do, and looks at every choice that hangs on them."""
    for what, sync in (("packages at Justifacts", sync_packages), ("jobs at Ashby", sync_jobs)):
        try:
            sync(connection)
        except CallFailed as error:
            yield _NOT_CHECKED, f"The {what} could not be checked: {error.message}"
    default = connection.organization.packages.filter(is_default=True).first()
    if default and not default.is_offered:
        yield (
            _FOR_HUMAN,
            f"The default package “{default}” is not offered any more. Choose another one under Packages.",
        )
    mappings = JobPackageMapping.objects.filter(job__organization=connection.organization_id)
    for mapping in mappings.select_related("job", "package").order_by("job__title", "pk"):
        yield from _mapping(mapping)


def _mapping(mapping: JobPackageMapping) -> Iterator[_What]:
    if not mapping.package.is_offered:
        yield (
            _FOR_HUMAN,
            f"The job “{mapping.job}” gets the package “{mapping.package}”, which is not offered any more. "
            "Choose another one under Jobs.",
        )
    if mapping.job.status.casefold() in _CLOSED:
        yield (
            _FOR_HUMAN,
            f"The job “{mapping.job}” is {mapping.job.status.lower()} in Ashby and still has a package. Take "
            "the package away under Jobs, if the job will not open again.",
        )


def unknown_references(connection: Connection, now: datetime) -> Iterator[_What]:
    """Pushes of the last day about orders that the portal does not have."""
    calls = InboundCall.objects.filter(
        organization=connection.organization_id,
        source=InboundCall.Source.JUSTIFACTS,
        outcome="assessment_not_found",
        received_at__gte=now - _DAY,
    )
    named = Counter(_reference(body) for body in calls.values_list("body", flat=True))
    for reference, count in named.most_common(50):
        times = "once" if count == 1 else f"{count} times"
        yield (
            _FOR_HUMAN,
            f"Justifacts spoke {times} of an order that the portal does not know ({reference}). Ask "
            "Justifacts whose check it is.",
        )


def _reference(body: object) -> str:
    found = body if isinstance(body, dict) else {}
    return str(found.get("reference_id") or found.get("assessment_id") or "no reference")[:100]
