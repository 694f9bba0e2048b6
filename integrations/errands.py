"""Calls that a person asks for: asked on a page, made by a worker, shown line by line as they come."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .catalogue import Synced, sync_jobs, sync_packages
from .connections import Finding, check_ashby, check_justifacts
from .errors import CallFailed
from .models import Connection, Errand, Organization
from .self_test import play_ashby


def ask(organization: Organization, kind: Errand.Kind, who: str) -> Errand:
    """Asks for an errand; one of the kind that is under way already is that one."""
    under_way = Errand.objects.filter(organization=organization, kind=kind, ended_at=None)
    for errand in under_way:
        if errand.is_abandoned(timezone.now()):
            _add(errand, Finding("Portal", "problem", _("No worker ran this. The operator has to look.")))
            _end(errand)
    try:
        with transaction.atomic():
            return Errand.objects.create(organization=organization, kind=kind, asked_by=who)
    except IntegrityError:
        return under_way.get()


def due() -> list[int]:
    """Errands that nobody has begun."""
    return list(Errand.objects.filter(started_at=None, ended_at=None).values_list("pk", flat=True)[:50])


def run(errand_id: int) -> None:
    """Makes the calls. Of several workers, one runs an errand."""
    now = timezone.now()
    if not Errand.objects.filter(pk=errand_id, started_at=None, ended_at=None).update(started_at=now):
        return
    errand = Errand.objects.select_related("organization__connection").get(pk=errand_id)
    for finding in _RUNS[Errand.Kind(errand.kind)](errand.organization.connection):
        _add(errand, finding)
    _end(errand)


def last_errand(organization: Organization, kind: Errand.Kind) -> Errand | None:
    return Errand.objects.filter(organization=organization, kind=kind).first()


def last_tested(organization: Organization) -> datetime | None:
    """When the connection was last tested well, if nothing has been changed on it since."""
    errand = last_errand(organization, Errand.Kind.TEST)
    if errand is None or not errand.is_well:
        return None
    connection = organization.connection
    key = connection.selected_ashby_key
    changes = (connection.verification_key_set_at, key.set_at if key else None)
    fresh = all(moment is None or moment < errand.asked_at for moment in changes)
    return errand.ended_at if fresh else None


def _add(errand: Errand, finding: Finding) -> None:
    errand.lines = [*errand.lines, asdict(finding)]
    errand.save(update_fields=["lines"])


def _end(errand: Errand) -> None:
    errand.ended_at = timezone.now()
    errand.save(update_fields=["ended_at"])


def _test(connection: Connection) -> Iterator[Finding]:
    yield from check_ashby(connection)
    yield check_justifacts(connection)
    yield from play_ashby(connection)


def _fetch(kind: Errand.Kind, connection: Connection) -> Iterator[Finding]:
    side = "Justifacts" if kind == Errand.Kind.PACKAGES else "Ashby"
    try:
        synced = sync_packages(connection) if kind == Errand.Kind.PACKAGES else sync_jobs(connection)
    except CallFailed as error:
        yield Finding(side, "problem", error.message)
        return
    yield Finding(side, "ok", _fetched(kind, synced))
    for text, names in (
        (_("New: %(names)s."), synced.added),
        (_("Changed: %(names)s."), synced.changed),
        (_("No longer sold, kept for old orders: %(names)s."), synced.withdrawn),
    ):
        if names:
            yield Finding(side, "ok", text % {"names": _some(names)})


def _fetched(kind: Errand.Kind, synced: Synced) -> str:
    if kind == Errand.Kind.PACKAGES:
        text = ngettext(
            "Justifacts sells %(count)d package.", "Justifacts sells %(count)d packages.", synced.total
        )
    else:
        text = ngettext("Ashby has %(count)d job.", "Ashby has %(count)d jobs.", synced.total)
    unchanged = "" if synced.added or synced.changed or synced.withdrawn else " " + _("Nothing has changed.")
    return text % {"count": synced.total} + unchanged


def _some(names: list[str]) -> str:
    more = _(" and %(count)d more") % {"count": len(names) - 8} if len(names) > 8 else ""
    return "; ".join(f"“{name}”" for name in names[:8]) + more


_RUNS: dict[Errand.Kind, Callable[[Connection], Iterator[Finding]]] = {
    Errand.Kind.TEST: _test,
    Errand.Kind.PACKAGES: partial(_fetch, Errand.Kind.PACKAGES),
    Errand.Kind.JOBS: partial(_fetch, Errand.Kind.JOBS),
}
