"""Connection jobs: a page requests one, a worker runs it, and the page shows its findings as they arrive."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.catalog import withdrawals
from integrations.catalog.mapping import namesakes
from integrations.catalog.sync import SyncResult, sync_jobs, sync_packages
from integrations.connections.check import Finding, check_ashby, check_justifacts
from integrations.http.errors import CallFailed
from integrations.models import ConnectionJob, Organization, Package
from integrations.onboarding.self_test import play_ashby


def request_job(
    organization: Organization, kind: ConnectionJob.Kind, who: str, confirmed: list[int] | None = None
) -> ConnectionJob:
    """Return a new job, or the unfinished job of the same kind. The caller enqueues ``run_connection_job``.

    ``confirmed``: primary keys of packages whose withdrawal the person has confirmed
    (``confirm_withdrawals``). An abandoned job ends with a problem first.
    """
    for job in ConnectionJob.objects.filter(organization=organization, kind=kind, ended_at=None):
        if job.is_abandoned(timezone.now()):
            text = _("No worker ran this job. An operator has to check the portal’s workers.")
            _add(job, Finding("Portal", "problem", text))
            _end(job)
    try:
        with transaction.atomic():
            return ConnectionJob.objects.create(
                organization=organization, kind=kind, requested_by=who, confirmed=confirmed
            )
    except IntegrityError:
        # Another request created the job first; it may have ended by now.
        return ConnectionJob.objects.filter(organization=organization, kind=kind).latest("requested_at", "pk")


def confirm_withdrawals(organization: Organization, shown: str, who: str) -> ConnectionJob | None:
    """Return a job that fetches the packages again and withdraws the missing ones, if they are still exactly
    those that the person saw.

    ``shown``: the primary key of the fetch that the page showed. Returns ``None`` if it is not the newest
    fetch, or if it has nothing to confirm.
    """
    last = last_job(organization, ConnectionJob.Kind.PACKAGES)
    if last is None or str(last.pk) != shown or not unconfirmed_packages(last):
        return None
    return request_job(organization, ConnectionJob.Kind.PACKAGES, who, last.unconfirmed)


def unconfirmed_packages(job: ConnectionJob | None) -> list[Package]:
    """Return the packages that the job found missing and whose withdrawal a person has to confirm."""
    if job is None or job.is_running or not job.unconfirmed:
        return []
    packages = Package.objects.filter(organization=job.organization_id, pk__in=job.unconfirmed)
    return list(packages.filter(withdrawn_at=None))


def jobs_due() -> list[int]:
    """Return the primary keys of up to 50 jobs that no worker has started."""
    due = ConnectionJob.objects.filter(started_at=None, ended_at=None)
    return list(due.values_list("pk", flat=True)[:50])


def run_job(job_id: int) -> None:
    """Run the job, unless a worker has started it already."""
    now = timezone.now()
    if not ConnectionJob.objects.filter(pk=job_id, started_at=None, ended_at=None).update(started_at=now):
        return
    job = ConnectionJob.objects.select_related("organization__connection").get(pk=job_id)
    for finding in _RUNS[ConnectionJob.Kind(job.kind)](job):
        _add(job, finding)
    _end(job)


def last_job(organization: Organization, kind: ConnectionJob.Kind) -> ConnectionJob | None:
    return ConnectionJob.objects.filter(organization=organization, kind=kind).first()


def last_tested(organization: Organization) -> datetime | None:
    """Return when the newest test succeeded, or ``None`` if it failed or a key has changed since."""
    job = last_job(organization, ConnectionJob.Kind.TEST)
    if job is None or not job.succeeded:
        return None
    connection = organization.connection
    key = connection.selected_ashby_key
    changes = (connection.verification_key_set_at, key.set_at if key else None)
    is_current = all(moment is None or moment < job.requested_at for moment in changes)
    return job.ended_at if is_current else None


def _add(job: ConnectionJob, finding: Finding) -> None:
    job.findings = [*job.findings, asdict(finding)]
    job.save(update_fields=["findings"])


def _end(job: ConnectionJob) -> None:
    job.ended_at = timezone.now()
    job.save(update_fields=["ended_at"])


def _test(job: ConnectionJob) -> Iterator[Finding]:
    connection = job.organization.connection
    yield from check_ashby(connection)
    yield check_justifacts(connection)
    yield from play_ashby(connection)


def _fetch_packages(job: ConnectionJob) -> Iterator[Finding]:
    decide = withdrawals.confirmed(job.confirmed or [])
    try:
        synced = sync_packages(job.organization.connection, decide)
    except CallFailed as error:
        yield Finding("Justifacts", "problem", error.message)
        return
    job.unconfirmed = [package.pk for package in synced.missing]
    job.save(update_fields=["unconfirmed"])
    yield from _summary("Justifacts", ConnectionJob.Kind.PACKAGES, synced)
    if synced.missing:
        if not synced.total:
            yield Finding("Justifacts", "problem", _("The list of packages is empty."))
        text = _("No longer in the list: %(names)s. Nothing was withdrawn.")
        names = _shortened([str(package) for package in synced.missing])
        yield Finding("Justifacts", "advice", text % {"names": names})
    elif synced.doubt:
        yield Finding("Justifacts", "problem", f"{synced.doubt} {_('Nothing was withdrawn.')}")
    for package in namesakes(job.organization.packages.all()).values():
        text = _(
            "“%(package)s” has the same name as a package that is no longer sold. If it "
            "replaces the old one, confirm this below."
        )
        yield Finding("Justifacts", "advice", text % {"package": package})


def _fetch_jobs(job: ConnectionJob) -> Iterator[Finding]:
    try:
        synced = sync_jobs(job.organization.connection)
    except CallFailed as error:
        yield Finding("Ashby", "problem", error.message)
        return
    yield from _summary("Ashby", ConnectionJob.Kind.JOBS, synced)
    if synced.doubt:
        yield Finding("Ashby", "problem", f"{synced.doubt} {_('All known jobs are kept.')}")
    mapped = job.organization.jobs.filter(mapping__isnull=False, pk__in=[each.pk for each in synced.missing])
    if titles := [str(job) for job in mapped]:
        text = _("Not in the list, but kept because they are mapped to a package: %(names)s.")
        yield Finding("Ashby", "advice", text % {"names": _shortened(titles)})


def _summary(endpoint: str, kind: ConnectionJob.Kind, synced: SyncResult) -> Iterator[Finding]:
    yield Finding(endpoint, "ok", _fetched(kind, synced))
    for text, names in (
        (_("New: %(names)s."), synced.added),
        (_("Changed: %(names)s."), synced.changed),
        (_("No longer sold, kept for old orders: %(names)s."), synced.withdrawn),
    ):
        if names:
            yield Finding(endpoint, "ok", text % {"names": _shortened(names)})


def _fetched(kind: ConnectionJob.Kind, synced: SyncResult) -> str:
    if kind == ConnectionJob.Kind.PACKAGES:
        text = ngettext(
            "Justifacts sells %(count)d package.", "Justifacts sells %(count)d packages.", synced.total
        )
    else:
        text = ngettext("Ashby has %(count)d job.", "Ashby has %(count)d jobs.", synced.total)
    changed = synced.added or synced.changed or synced.withdrawn or synced.missing or synced.doubt
    return text % {"count": synced.total} + ("" if changed else " " + _("No changes."))


def _shortened(names: list[str]) -> str:
    more = _(" and %(count)d more") % {"count": len(names) - 8} if len(names) > 8 else ""
    return "; ".join(f"“{name}”" for name in names[:8]) + more


_RUNS: dict[ConnectionJob.Kind, Callable[[ConnectionJob], Iterator[Finding]]] = {
    ConnectionJob.Kind.TEST: _test,
    ConnectionJob.Kind.PACKAGES: _fetch_packages,
    ConnectionJob.Kind.JOBS: _fetch_jobs,
}
